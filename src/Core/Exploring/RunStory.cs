using System.Globalization;
using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Programs;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Exploring;

/// <summary>A message of a story.</summary>
/// <param name="From">Lane of the sender.</param>
/// <param name="To">Lane of the receiver; the sender's own for a step of an operation.</param>
/// <param name="SentAt">When it leaves.</param>
/// <param name="Due">When it is there.</param>
/// <param name="Text">What it says, in a few words.</param>
/// <param name="Late">How much later it comes than by itself, in cycles; 0 for not.</param>
/// <param name="Sequence">The sender's running number.</param>
public sealed record StoryMessage(int From, int To, Cycles SentAt, Cycles Due, string Text, Cycles Late, long Sequence);

/// <summary>Something that happens on one lane.</summary>
/// <param name="Lane">The lane.</param>
/// <param name="Time">When.</param>
/// <param name="Text">What, in a few words.</param>
/// <param name="IsWrong">Whether it breaks the rule.</param>
public sealed record StoryEvent(int Lane, Cycles Time, string Text, bool IsWrong);

/// <summary>
/// What happened in one run of a small world, for a picture: cores and spaces as lanes, messages between them, accesses on them.
/// </summary>
/// <param name="Lanes">Names of the cores, then of the spaces.</param>
/// <param name="Messages">The messages, by the time at which they leave.</param>
/// <param name="Events">Accesses and operations, by time.</param>
public sealed record RunStory(IReadOnlyList<string> Lanes, IReadOnlyList<StoryMessage> Messages, IReadOnlyList<StoryEvent> Events)
{
    /// <summary>Tells a run.</summary>
    internal static RunStory Of(RunRecord record, SmallWorld world, OrderSchedule schedule)
    {
        string[] lanes =
        [
            .. record.World.Cores.Select(core => $"core {core.Core}"),
            .. record.World.Spaces.Select(space => $"space {space.Name}"),
        ];
        long end = record.World.Checker!.Violations is [{ } first, ..] ? first.Time.Value : long.MaxValue;
        List<StoryMessage> messages = [];
        foreach (SentMessage sent in record.Messages)
        {
            SimMessage message = sent.Message;
            if (sent.SentAt >= world.From && sent.SentAt <= end && TextOf(record.World, message) is { } text)
            {
                bool isChosen = schedule.Delays.Any(
                    delay => !delay.IsStep && delay.Who == message.Sender && delay.Which == message.Sequence);
                messages.Add(new StoryMessage(
                    message.Sender, message.Target, sent.SentAt, sent.Due, text, isChosen ? sent.Due - sent.Undelayed : 0,
                    message.Sequence));
            }
        }

        List<StoryEvent> events = [];
        foreach (RunAccess access in record.Accesses.Where(access => access.Time >= world.From && access.Time <= end))
        {
            string text = string.Create(
                CultureInfo.InvariantCulture,
                $"{access.Kind.ToString().ToLowerInvariant()} {VirtAddr.OfPage(access.Page)} -> frame 0x{access.Frame:x}");
            events.Add(new StoryEvent(access.Core, access.Time, text, access.Time == end));
        }

        foreach (RunOperation operation in record.Operations.Where(operation => operation.Start >= world.From && operation.Start <= end))
        {
            events.Add(new StoryEvent(record.Cores + operation.Space, operation.Start, $"{operation.What} starts", IsWrong: false));
        }

        if (record.World.Checker.Violations is [{ } violation, ..] && !events.Exists(told => told.IsWrong))
        {
            events.Add(new StoryEvent(record.Cores + violation.Space.Value, violation.Time, violation.Rule.ToString(), IsWrong: true));
        }

        return new RunStory(
            lanes, [.. messages.OrderBy(message => message.SentAt.Value)], [.. events.OrderBy(told => told.Time.Value)]);
    }

    /// <summary>What a message says; null for one that is left out of pictures.</summary>
    internal static string? TextOf(World world, in SimMessage message) => message.Kind switch
    {
        MessageKind.Fault => $"fault at {message.AsPageFault().Address}",
        MessageKind.SystemCall => CallText.NameOf(CallOf(world, message)),
        MessageKind.Ack => "acknowledgement",
        MessageKind.Invalidate => message.AsInvalidation().IsLocal ? "invalidates itself" : "invalidate",
        MessageKind.TrapReturn => "returns",
        MessageKind.TrapSleep => "sleeps",
        MessageKind.ThreadWake => "wakes",
        MessageKind.ThreadResume => "wakes in the kernel",
        MessageKind.ThreadResumed => "runs again",
        MessageKind.NeedResched => "another thread is due",
        MessageKind.SpaceLoaded => "space loaded",
        MessageKind.LoadSpace => "load space",
        MessageKind.LeaveSpace => "leaves space",
        MessageKind.EnterLazy => "idles",
        MessageKind.OperationInvalidate => "begins to flush",
        MessageKind.ReleaseMemory => "gives memory back",
        MessageKind.Protocol => "protocol's message",
        MessageKind.OperationStart or MessageKind.OperationBatch or MessageKind.OperationEnd or MessageKind.DeviceDone => "goes on",
        MessageKind.ProtocolTimer => "protocol's timer",
        MessageKind.HostFault => "host's fault",
        MessageKind.HostFlush => "drop all for the host",
        MessageKind.HostFlushed => "dropped all",
        _ => null,
    };

    /// <summary>The system call that a message brings to its space.</summary>
    internal static SystemCall CallOf(World world, in SimMessage message)
    {
        SystemCallEntry entry = message.AsSystemCall();
        return world.Threads[entry.Thread.Value].SystemCalls[entry.Call];
    }
}
