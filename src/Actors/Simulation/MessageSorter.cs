using Akka.Actor;
using VmSim.Core.VirtualTime;

namespace VmSim.Actors.Simulation;

/// <summary>
/// Hands the messages of an outbox to the actors they are for, one batch a receiver, and announces them on the board: by the post on its own lane, else by an actor message.
/// </summary>
internal sealed class MessageSorter(DomainDirectory directory, DomainBoard board, DomainSlots slots, LanePost post)
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
        int slot = slots.SlotOf(target);
        board.Announce(slot, DomainBoard.Earliest(messages));
        if (post.TryPut(slot, messages))
        {
            return;
        }

        SimMessage[] batch = messages.ToArray();
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
