using Akka.Actor;
using VmSim.Core.Engine;

namespace VmSim.Actors.Simulation;

/// <summary>Hands the messages of an outbox to the actors they are for, one batch a receiver, and announces them on the board.</summary>
internal sealed class MessageSorter(DomainDirectory directory, DomainBoard board, DomainSlots slots)
{
    private readonly int _cores = directory.CoreActors.Length;

    public void HandOver(Outbox outbox, IActorRef sender)
    {
        ReadOnlySpan<SimMessage> messages = outbox.Messages;
        for (int first = 0; first < messages.Length;)
        {
            // Messages of one phase mostly go to one receiver or to each of several once; runs to one receiver go in one batch.
            int target = messages[first].Target;
            int end = first + 1;
            while (end < messages.Length && messages[end].Target == target)
            {
                end++;
            }

            Send(messages[first..end], target, sender);
            first = end;
        }

        outbox.Clear();
    }

    private void Send(ReadOnlySpan<SimMessage> messages, int target, IActorRef sender)
    {
        SimMessage[] batch = messages.ToArray();
        board.Announce(slots.SlotOf(target), DomainBoard.Earliest(messages));
        if (target < _cores)
        {
            directory.CoreActors[target].Tell(new CoreProtocol.Deliver(batch), sender);
        }
        else
        {
            directory.MemorySetActors[target - _cores].Tell(new MemorySetProtocol.Deliver(batch), sender);
        }
    }
}
