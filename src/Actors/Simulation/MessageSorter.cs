using Akka.Actor;
using VmSim.Core.VirtualTime;

namespace VmSim.Actors.Simulation;

/// <summary>
/// Hands the messages of an outbox to their receivers, one batch each, and announces them on the schedule: by the mailboxes of its own
/// lane, else by an actor message.
/// </summary>
internal sealed class MessageSorter(IActorRef[] receivers, DomainSchedule schedule, DomainSlots slots, LaneMailboxes mailboxes)
{
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
        schedule.Announce(slot, DomainSchedule.Earliest(messages));
        if (!mailboxes.TryPut(slot, messages))
        {
            receivers[target].Tell(new WindowProtocol.Deliver(messages.ToArray()), sender);
        }
    }
}
