using System.Diagnostics;
using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.VirtualTime;

/// <content>
/// What messages carry, by kind: for each, the function that packs it and the one that reads it. Delivery time, sender and target are the
/// sender's to set.
/// </content>
public partial struct SimMessage
{
    private const long KernelAccess = 1 << 8;
    private const int PrimedShift = 8;
    private const int StrideShift = 48;
    private const ulong PagesMask = (1UL << StrideShift) - 1;
    private const ulong WholeSpace = 1UL << 63;
    private const ushort WayMask = 3;
    private const ushort Report = 4;
    private const ushort FreedTables = 8;

    /// <summary>A message of a page fault: A = thread, B = address, C = access and <see cref="KernelAccess"/>, D = word.</summary>
    public static SimMessage Of(in PageFault fault) =>
        new(
            MessageKind.Fault,
            fault.Thread.Value,
            (long)fault.Address.Value,
            (long)fault.Access | (fault.IsKernel ? KernelAccess : 0),
            fault.Word);

    /// <summary>The page fault that it brings.</summary>
    public readonly PageFault AsPageFault() =>
        Is(
            MessageKind.Fault,
            new PageFault(new ThreadId((int)_a), new VirtAddr((ulong)_b), (AccessKind)(_c & 0xFF), (_c & KernelAccess) != 0, _d));

    /// <summary>A message of a system call: A = thread, B = call, D = word.</summary>
    public static SimMessage Of(in SystemCallEntry call) => new(MessageKind.SystemCall, call.Thread.Value, call.Call, 0, call.Word);

    /// <summary>The system call that it brings.</summary>
    public readonly SystemCallEntry AsSystemCall() => Is(MessageKind.SystemCall, new SystemCallEntry(new ThreadId((int)_a), (int)_b, _d));

    /// <summary>A message of a fork: A = thread, B = child.</summary>
    public static SimMessage Of(in ForkEntry fork) => new(MessageKind.Fork, fork.Thread.Value, fork.Child);

    /// <summary>The fork that it brings.</summary>
    public readonly ForkEntry AsFork() => Is(MessageKind.Fork, new ForkEntry(new ThreadId((int)_a), (int)_b));

    /// <summary>
    /// A message that a trap is over: A = thread, B = shootdown wait, C = result, size of the primed page from bit 8 on, and
    /// faults from bit 32 on, D = word.
    /// </summary>
    public static SimMessage Of(in TrapReturn answer) =>
        new(
            MessageKind.TrapReturn,
            answer.Thread.Value,
            answer.ShootdownWait.Value,
            (long)answer.Result | ((long)answer.Primes.GetValueOrDefault() << PrimedShift) | ((long)answer.Faults << 32),
            answer.Word);

    /// <summary>A message that a thread is runnable, packed as that of a trap that is over.</summary>
    public static SimMessage OfWake(in TrapReturn answer) => Of(answer) with { _kind = MessageKind.ThreadWake };

    /// <summary>The end of a trap, or the wake-up, that it brings.</summary>
    public readonly TrapReturn AsTrapReturn() => Is(
        Kind == MessageKind.ThreadWake ? MessageKind.ThreadWake : MessageKind.TrapReturn,
        new TrapReturn(
            new ThreadId((int)_a), (TrapResult)(_c & 0xFF), new Cycles(_b), _d, (int)(_c >> 32), SizeAt(_c >> PrimedShift)));

    /// <summary>A message that a thread sleeps in its trap: A = thread.</summary>
    public static SimMessage Of(in TrapSleep sleep) => new(MessageKind.TrapSleep, sleep.Thread.Value);

    /// <summary>Which thread sleeps.</summary>
    public readonly TrapSleep AsTrapSleep() => Is(MessageKind.TrapSleep, new TrapSleep(new ThreadId((int)_a)));

    /// <summary>A message that another thread is due on a thread's core: A = thread.</summary>
    public static SimMessage Of(in NeedResched due) => new(MessageKind.NeedResched, due.Thread.Value);

    /// <summary>Whose core another thread is due on.</summary>
    public readonly NeedResched AsNeedResched() => Is(MessageKind.NeedResched, new NeedResched(new ThreadId((int)_a)));

    /// <summary>A message that a thread is runnable in its trap: A = thread, B = operation.</summary>
    public static SimMessage OfWake(in TrapResumption resumption) =>
        new(MessageKind.ThreadResume, resumption.Thread.Value, resumption.Operation);

    /// <summary>A message that a thread runs in its trap again: A = thread, B = operation.</summary>
    public static SimMessage OfDone(in TrapResumption resumption) =>
        new(MessageKind.ThreadResumed, resumption.Thread.Value, resumption.Operation);

    /// <summary>Which thread goes on in its trap.</summary>
    public readonly TrapResumption AsTrapResumption() => Is(
        Kind == MessageKind.ThreadResumed ? MessageKind.ThreadResumed : MessageKind.ThreadResume,
        new TrapResumption(new ThreadId((int)_a), _b));

    /// <summary>A message of bits that a walk set: A = address, B = bits, C = 1 if it is prompt.</summary>
    public static SimMessage Of(in AccessedDirty access) =>
        new(MessageKind.AccessedDirty, (long)access.Address.Value, (long)access.Bits, access.IsPrompt ? 1 : 0);

    /// <summary>The bits that a walk set.</summary>
    public readonly AccessedDirty AsAccessedDirty() =>
        Is(MessageKind.AccessedDirty, new AccessedDirty(new VirtAddr((ulong)_a), (PageFlags)_b, _c != 0));

    /// <summary>A message that asks for a space: A = thread.</summary>
    public static SimMessage Of(in LoadRequest load) => new(MessageKind.LoadSpace, load.Thread.Value);

    /// <summary>Who asks for the space.</summary>
    public readonly LoadRequest AsLoadRequest() => Is(MessageKind.LoadSpace, new LoadRequest(new ThreadId((int)_a)));

    /// <summary>A message that a space has left a core.</summary>
    public static SimMessage LeaveSpace() => new(MessageKind.LeaveSpace, 0);

    /// <summary>A message that a core idles with a space loaded.</summary>
    public static SimMessage EnterLazy() => new(MessageKind.EnterLazy, 0);

    /// <summary>
    /// A message that a space is loaded: A = thread, B = tag, C = generation, D = page table to walk and, in bit 32, whether the tag is
    /// flushed.
    /// </summary>
    public static SimMessage Of(in SpaceLoaded loaded) => new(
        MessageKind.SpaceLoaded, loaded.Thread.Value, loaded.Answer.Tag.Value, loaded.Answer.Generation, (uint)loaded.Answer.Table | (
            loaded.Answer.Flush ? 1L << 32 : 0));

    /// <summary>What a core learns of the space that is loaded.</summary>
    public readonly SpaceLoaded AsSpaceLoaded() => Is(
        MessageKind.SpaceLoaded, new SpaceLoaded(new ThreadId((int)_a), new LoadAnswer(new Asid((ushort)_b), _c, _d >> 32 != 0, (int)_d)));

    /// <summary>
    /// A message to invalidate: A = shootdown, B = first address, C = pages, their size from bit 48 on, and <see cref="WholeSpace"/>, D =
    /// generation; the flags say how the core is told. The space is the message's own.
    /// </summary>
    public static SimMessage Of(in Invalidation invalidation)
    {
        DeadRange range = invalidation.Scope.Range;
        ulong shape = range.Pages | ((ulong)range.Stride << StrideShift) | (invalidation.Scope.IsWholeSpace ? WholeSpace : 0);
        return new SimMessage(MessageKind.Invalidate, invalidation.Shootdown, (long)range.Start.Value, (long)shape, invalidation.Generation)
        {
            _flags = FlagsOf(invalidation.Way, invalidation.IsReport, invalidation.TablesFreed),
            Space = invalidation.Space,
        };
    }

    /// <summary>What is to be invalidated.</summary>
    public readonly Invalidation AsInvalidation()
    {
        PageSize stride = (PageSize)(((ulong)_c & ~WholeSpace) >> StrideShift);
        DeadRange range = new(new VirtAddr((ulong)_b), (ulong)_c & PagesMask, stride);
        return Is(MessageKind.Invalidate, new Invalidation
        {
            Space = Space,
            Shootdown = _a,
            Scope = new InvalidationScope(range, ((ulong)_c & WholeSpace) != 0),
            Generation = _d,
            Way = (InvalidationWay)(_flags & WayMask),
            IsReport = (_flags & Report) != 0,
            TablesFreed = (_flags & FreedTables) != 0,
        });
    }

    /// <summary>
    /// A message that a core has invalidated: A = shootdown, B = entries dropped, C = handler; flags as for what it answers.
    /// </summary>
    public static SimMessage Of(in InvalidationAck ack) =>
        new(MessageKind.Ack, ack.Shootdown, ack.Dropped, ack.Handler.Value) { _flags = FlagsOf(ack.Way, ack.IsReport, tablesFreed: false) };

    /// <summary>What a core has invalidated.</summary>
    public readonly InvalidationAck AsAck() => Is(
        MessageKind.Ack, new InvalidationAck(_a, (int)_b, new Cycles(_c), (InvalidationWay)(_flags & WayMask), (_flags & Report) != 0));

    /// <summary>A message of what a thread asks: A = thread, B = the number that goes with it.</summary>
    public static SimMessage Of(in ThreadRequest request) => new(request.Kind, request.Thread.Value, request.Argument);

    /// <summary>What a thread asks.</summary>
    public readonly ThreadRequest AsThreadRequest()
    {
        Debug.Assert(Kind is >= MessageKind.Signal and <= MessageKind.Migrate, $"a {Kind} is no request of a thread");
        return new ThreadRequest(Kind, new ThreadId((int)_a), _b);
    }

    /// <summary>A message of a space to itself: A = operation.</summary>
    public static SimMessage Of(in OperationStep step)
    {
        Debug.Assert(IsStep(step.Kind), $"a {step.Kind} is no step of an operation");
        return new SimMessage(step.Kind, step.Operation);
    }

    /// <summary>Which operation comes to which step.</summary>
    public readonly OperationStep AsOperationStep()
    {
        Debug.Assert(IsStep(Kind), $"a {Kind} is no step of an operation");
        return new OperationStep(Kind, _a);
    }

    /// <summary>A message of a space to itself that a thread's sleep ends: A = thread.</summary>
    public static SimMessage Of(in SleepEnd end) => new(MessageKind.SleepEnd, end.Thread.Value);

    /// <summary>Whose sleep ends.</summary>
    public readonly SleepEnd AsSleepEnd() => Is(MessageKind.SleepEnd, new SleepEnd(new ThreadId((int)_a)));

    /// <summary>A message of a space to itself that a timer of the protocol has come: A = the protocol's argument.</summary>
    public static SimMessage Of(in ProtocolTimer timer) => new(MessageKind.ProtocolTimer, timer.Argument);

    /// <summary>Which timer has come.</summary>
    public readonly ProtocolTimer AsProtocolTimer() => Is(MessageKind.ProtocolTimer, new ProtocolTimer(_a));

    /// <summary>A message that a walk found nothing in a host's table: A = thread, B = guest-physical page.</summary>
    public static SimMessage Of(in HostFault fault) => new(MessageKind.HostFault, fault.Thread.Value, (long)fault.GuestPage);

    /// <summary>What a walk did not find in a host's table.</summary>
    public readonly HostFault AsHostFault() => Is(MessageKind.HostFault, new HostFault(new ThreadId((int)_a), (ulong)_b));

    /// <summary>A message that a host has a core drop everything: A = flush.</summary>
    public static SimMessage Of(in HostFlush flush) => new(MessageKind.HostFlush, flush.Flush);

    /// <summary>A message that a core has dropped everything for a host: A = flush.</summary>
    public static SimMessage OfDone(in HostFlush flush) => new(MessageKind.HostFlushed, flush.Flush);

    /// <summary>Which flush of a host it is, asked for or done.</summary>
    public readonly HostFlush AsHostFlush() =>
        Is(Kind == MessageKind.HostFlushed ? MessageKind.HostFlushed : MessageKind.HostFlush, new HostFlush(_a));

    /// <summary>The flag of a protocol's prompt message, above all kinds.</summary>
    private const ushort Prompt = 1 << 15;

    /// <summary>A message of the protocol's own: the flags are its kind and whether it is prompt, A to D its bytes.</summary>
    public static SimMessage Of(in ProtocolPayload payload) =>
        new(
            MessageKind.Protocol,
            payload.Words.First,
            payload.Words.Second,
            payload.Words.Third,
            payload.Words.Fourth)
        { _flags = (ushort)(payload.Kind | (payload.IsPrompt ? Prompt : 0)) };

    /// <summary>What the protocol says.</summary>
    public readonly ProtocolPayload AsProtocol() => Is(
        MessageKind.Protocol,
        new ProtocolPayload(_flags & ~Prompt) { Words = new ProtocolWords(_a, _b, _c, _d), IsPrompt = (_flags & Prompt) != 0 });

    private SimMessage(MessageKind kind, long a, long b = 0, long c = 0, long d = 0)
    {
        _kind = kind;
        _a = a;
        _b = b;
        _c = c;
        _d = d;
    }

    private static bool IsStep(MessageKind kind) => kind is >= MessageKind.OperationStart and <= MessageKind.DeviceDone;

    private static ushort FlagsOf(InvalidationWay way, bool isReport, bool tablesFreed) =>
        (ushort)((int)way | (isReport ? Report : 0) | (tablesFreed ? FreedTables : 0));

    private static PageSize? SizeAt(long value) => (value & 0xFF) == 0 ? null : (PageSize)(value & 0xFF);

    private readonly T Is<T>(MessageKind kind, T content)
    {
        Debug.Assert(Kind == kind, $"a {Kind} is read as a {kind}");
        return content;
    }
}
