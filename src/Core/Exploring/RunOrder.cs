using System.Runtime.InteropServices;
using VmSim.Core.Addresses;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Exploring;

/// <summary>
/// The order of the events of a run at each core and group of spaces. Its digest is the same for runs whose events that do not commute came
/// in the same order (Mazurkiewicz's traces): the runs are then one, but for times. One object serves many runs, one after another.
/// </summary>
internal sealed class RunOrder
{
    private readonly Dictionary<(int Space, long Shootdown), ulong> _pagesOfShootdown = [];
    private readonly List<(int Space, long Id, ulong Pages, OrderDelay Origin)> _operations = [];
    private readonly Dictionary<int, long> _operationCounts = [];
    private readonly List<int> _sorted = [];
    private readonly ThreadSteps _steps = new();

    /// <summary>Events by actor, each by time: cores first, then groups of spaces.</summary>
    private List<RunEvent>[] _actors = [];

    private int[] _accessCounts = [];

    /// <summary>Reads a run.</summary>
    /// <param name="record">What happened.</param>
    /// <param name="world">The world that ran.</param>
    public void Read(RunRecord record, SmallWorld world)
    {
        int actors = record.Cores + record.World.Groups.Count;
        if (_actors.Length != actors)
        {
            _actors = [.. Enumerable.Range(0, actors).Select(_ => new List<RunEvent>())];
            _accessCounts = new int[record.Cores];
        }

        foreach (List<RunEvent> events in _actors)
        {
            events.Clear();
        }

        NumberOperations(record);
        for (int i = 0; i < record.Messages.Count; i++)
        {
            AddMessage(record, record.Messages[i], world.From);
        }

        _steps.Read(record, world);
        AddAccesses(record, world.From);
        AddMilestones(record, world.From);
        foreach (List<RunEvent> events in _actors)
        {
            Sort(CollectionsMarshal.AsSpan(events));
        }
    }

    /// <summary>Sorts events, most of which stand in order already, by putting each behind those that come before it.</summary>
    private static void Sort(Span<RunEvent> events)
    {
        for (int i = 1; i < events.Length; i++)
        {
            if (events[i - 1].Order(events[i]) <= 0)
            {
                continue;
            }

            RunEvent late = events[i];
            int at = i;
            while (at > 0 && events[at - 1].Order(late) > 0)
            {
                events[at] = events[--at];
            }

            events[at] = late;
        }
    }

    /// <summary>A number that is the same for runs of one order; for others it hardly ever is.</summary>
    public ulong DigestOf()
    {
        ulong digest = 0;
        for (int actor = 0; actor < _actors.Length; actor++)
        {
            ReadOnlySpan<RunEvent> events = CollectionsMarshal.AsSpan(_actors[actor]);
            for (int i = 0; i < events.Length; i++)
            {
                ref readonly RunEvent first = ref events[i];
                digest += Digest.Mix((ulong)actor, first.Id);
                for (int j = i + 1; j < events.Length; j++)
                {
                    if (first.ConflictsWith(events[j]))
                    {
                        digest += Digest.Mix(first.Id, events[j].Id);
                    }
                }
            }
        }

        return digest;
    }

    /// <summary>
    /// The delays that put an event behind one that it does not commute with. A delay moves all that follows from what is delayed, so that
    /// some of them change nothing; the digest tells.
    /// </summary>
    /// <param name="most">The longest delay.</param>
    /// <param name="choices">Takes the delays.</param>
    public void AddChoices(Cycles most, List<OrderDelay> choices)
    {
        foreach (List<RunEvent> list in _actors)
        {
            ReadOnlySpan<RunEvent> events = CollectionsMarshal.AsSpan(list);
            for (int i = 0; i < events.Length; i++)
            {
                ref readonly RunEvent moved = ref events[i];
                if (moved.Mover.Extra == 0)
                {
                    continue;
                }

                for (int j = i + 1; j < events.Length; j++)
                {
                    long extra = events[j].Time - moved.Time + 1;
                    if (moved.ConflictsWith(events[j]) && extra <= most.Value && IsNew(choices, moved.Mover with { Extra = extra }))
                    {
                        choices.Add(moved.Mover with { Extra = extra });
                    }
                }
            }
        }
    }

    private static bool IsNew(List<OrderDelay> choices, OrderDelay choice) => !choices.Contains(choice);

    /// <summary>Spaces number their faults and calls in the order in which they come.</summary>
    private void NumberOperations(RunRecord record)
    {
        _operations.Clear();
        _operationCounts.Clear();
        _pagesOfShootdown.Clear();
        _sorted.Clear();
        List<SentMessage> messages = record.Messages;
        for (int i = 0; i < messages.Count; i++)
        {
            SimMessage message = messages[i].Message;
            if (message.Kind is MessageKind.Fault or MessageKind.SystemCall or MessageKind.Fork)
            {
                _sorted.Add(i);
            }
            else if (message.Kind == MessageKind.Invalidate)
            {
                Invalidation invalidation = message.AsInvalidation();
                _pagesOfShootdown[(message.Space.Value, invalidation.Shootdown)] = PagesOf(invalidation.Scope);
            }
        }

        _sorted.Sort((left, right) => messages[left].Message.Before(messages[right].Message) ? -1 : left == right ? 0 : 1);
        foreach (int index in _sorted)
        {
            SimMessage message = messages[index].Message;
            long id = _operationCounts.GetValueOrDefault(message.Space.Value) + 1;
            _operationCounts[message.Space.Value] = id;
            ulong pages = message.Kind switch
            {
                MessageKind.Fault => RunEvent.BitsOf(message.AsPageFault().Address.PageNumber, 1),
                MessageKind.SystemCall => RunEvent.BitsOf(RunStory.CallOf(record.World, message)),
                _ => RunEvent.AllPages,
            };
            _operations.Add((message.Space.Value, id, pages, MoverOf(message)));
        }
    }

    private void AddMessage(RunRecord record, in SentMessage sent, long from)
    {
        SimMessage message = sent.Message;
        if (sent.Due < from)
        {
            return;
        }

        bool isForCore = message.Target < record.Cores;
        int actor = isForCore ? message.Target : record.Cores + record.World.GroupOf(message.Space).Index;
        (EventClass kind, ulong pages, long operation) = isForCore ? AtCore(message) : AtSpace(message);
        bool isMovable = sent.SentAt >= from && message.Kind != MessageKind.ThreadExit && SenderDelays.MayBeLate(message);
        OrderDelay mover = isMovable ? MoverOf(message) : default;
        ulong id = Digest.Mix(((ulong)(uint)message.Sender << 16) | (ulong)message.Kind, (ulong)message.Sequence);
        _actors[actor].Add(new RunEvent(sent.Due, kind, pages, id, (0, message.Sender, message.Sequence), operation, mover));
    }

    private (EventClass Class, ulong Pages, long Operation) AtCore(in SimMessage message) => message.Kind switch
    {
        MessageKind.Invalidate => (EventClass.Invalidation, PagesOf(message.AsInvalidation().Scope), 0),
        MessageKind.TrapReturn when message.AsTrapReturn().Primes is not null => (EventClass.Access, RunEvent.AllPages, 0),
        MessageKind.SpaceLoaded or MessageKind.Protocol or MessageKind.HostFlush => (EventClass.Loading, RunEvent.AllPages, 0),
        _ => (EventClass.Neutral, 0, 0),
    };

    private (EventClass Class, ulong Pages, long Operation) AtSpace(in SimMessage message)
    {
        switch (message.Kind)
        {
            case MessageKind.Fault or MessageKind.SystemCall or MessageKind.Fork:
                OrderDelay origin = MoverOf(message);
                int found = _operations.FindIndex(operation => operation.Origin.IsSameAs(origin));
                return (EventClass.Step, _operations[found].Pages, OperationKey(_operations[found].Space, _operations[found].Id));
            case >= MessageKind.OperationStart and <= MessageKind.OperationEnd or MessageKind.DeviceDone:
                long id = message.AsOperationStep().Operation;
                return (EventClass.Step, PagesOf(message.Space.Value, id), OperationKey(message.Space.Value, id));
            case MessageKind.ThreadResumed:
                long resumed = message.AsTrapResumption().Operation;
                return (EventClass.Step, PagesOf(message.Space.Value, resumed), OperationKey(message.Space.Value, resumed));
            case MessageKind.Ack:
                ulong pages = _pagesOfShootdown.GetValueOrDefault(
                    (message.Space.Value, message.AsAck().Shootdown), RunEvent.AllPages);
                return (EventClass.Acknowledgement, pages, 0);
            case MessageKind.AccessedDirty:
                return (EventClass.Bits, RunEvent.BitsOf(message.AsAccessedDirty().Address.PageNumber, 1), 0);
            case MessageKind.ReleaseMemory or MessageKind.ThreadExit or MessageKind.SleepEnd:
                return (EventClass.Neutral, 0, 0);
            default:
                return (EventClass.Membership, RunEvent.AllPages, 0);
        }
    }

    private void AddAccesses(RunRecord record, long from)
    {
        Array.Clear(_accessCounts);
        for (int i = 0; i < record.Accesses.Count; i++)
        {
            RunAccess access = record.Accesses[i];
            if (access.Time < from)
            {
                continue;
            }

            ulong id = Digest.Mix(Digest.Mix((ulong)_accessCounts[access.Core]++, access.Page ^ ((ulong)access.Kind << 60)), access.Frame);
            id = access.FilledAt == access.Time ? ~id : id;
            _actors[access.Core].Add(new RunEvent(
                access.Time, EventClass.Access, RunEvent.BitsOf(access.Page, 1), id, (1, 0, i), 0, _steps.MoverOf(i)));
        }
    }

    /// <summary>What operations stored can be seen, their calls return, and what lateness is allowed is over: for every core.</summary>
    private void AddMilestones(RunRecord record, long from)
    {
        long late = record.World.Checker!.AllowedStaleness.Value;
        foreach (RunOperation operation in record.Operations)
        {
            int found = _operations.FindIndex(known => known.Space == operation.Space && known.Id == operation.Id);
            if (operation.VisibleAt < from || found < 0)
            {
                continue;
            }

            (_, _, ulong pages, OrderDelay origin) = _operations[found];
            ulong id = Digest.Mix((ulong)operation.Space, (ulong)operation.Id);
            for (int core = 0; core < record.Cores; core++)
            {
                _actors[core].Add(new RunEvent(
                    operation.VisibleAt, EventClass.Milestone, pages, id, (0, int.MaxValue, operation.Id), 0, origin));
                if (operation.Returned != long.MaxValue)
                {
                    _actors[core].Add(new RunEvent(
                        operation.Returned, EventClass.Milestone, pages, ~id, (0, int.MaxValue, operation.Id), 0, default));
                    _actors[core].Add(new RunEvent(
                        operation.Returned + late, EventClass.Milestone, pages, id + 1, (0, int.MaxValue, operation.Id), 0, default));
                }
            }
        }
    }

    private static OrderDelay MoverOf(in SimMessage message) => new(message.Sender, message.Sequence, 1, IsStep: false);

    private ulong PagesOf(int space, long id)
    {
        foreach ((int Space, long Id, ulong Pages, OrderDelay Origin) operation in _operations)
        {
            if (operation.Space == space && operation.Id == id)
            {
                return operation.Pages;
            }
        }

        return RunEvent.AllPages;
    }

    private static ulong PagesOf(in InvalidationScope scope) =>
        scope.IsWholeSpace || scope.Range.Stride != PageSize.Size4K
            ? RunEvent.AllPages
            : RunEvent.BitsOf(scope.Range.Start.PageNumber, scope.Range.Pages);

    private static long OperationKey(int space, long id) => ((long)space << 40) | id;
}
