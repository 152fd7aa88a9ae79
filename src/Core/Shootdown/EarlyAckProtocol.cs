using VmSim.Core.Settings;
using VmSim.Core.Statistics;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Shootdown;

/// <summary>
/// Linux with what N. Amit, A. Tai and M. Wei add to it (Don't shoot down TLB shootdowns!, EuroSys 2020), each a setting, so that each
/// one's worth shows: the initiator and the others invalidate at the same time, a target acknowledges when its handler begins, fewer cache
/// lines pass between them, a copy-on-write fault invalidates nothing on its own core, under page-table isolation user translations go at
/// the return to user mode, and a call that writes pages back flushes once. With all off it is Linux 5.2.8, on which they built:
/// <see cref="LinuxProtocol"/> before 5.13.
/// </summary>
public sealed class EarlyAckProtocol : IShootdownProtocol
{
    /// <summary>
    /// Cache lines that pass to each target more than with what is consolidated: four against two, for the call queue's head with the lazy
    /// mark, and the request with what it says.
    /// </summary>
    private const int LinesSpared = 2;

    /// <summary>In a generation: the initiator's own translation is replaced by an access, and not invalidated.</summary>
    private const long ReplacedByAccess = 1L << 62;

    /// <summary>In a generation: other cores are told too, so that the initiator has to wait in any case.</summary>
    private const long TellsOthers = 1L << 61;

    /// <summary>Whether initiator and targets invalidate at the same time; merged in 5.13 (commit 4ce94eabac16).</summary>
    [Setting("Whether the initiator invalidates while the others do, and not before it interrupts them.")]
    public bool Concurrent { get; init; } = true;

    /// <summary>Whether a target acknowledges before it invalidates; never where table pages are freed.</summary>
    [Setting("Whether a target acknowledges when its handler begins, before it invalidates; never where table pages are freed.")]
    public bool AtEntry { get; init; } = true;

    /// <summary>Whether two cache lines pass to each target instead of four.</summary>
    [Setting("Whether two cache lines pass to each target, which the handler's costs have, or two more that it waits for.")]
    public bool Consolidated { get; init; } = true;

    /// <summary>Whether a copy-on-write fault leaves the initiator's own translation to the access that replaces it.</summary>
    [Setting("Whether a copy-on-write fault invalidates nothing on its own core, where the access replaces what the TLB holds.")]
    public bool CopyByAccess { get; init; } = true;

    /// <summary>
    /// Whether the user's half of a pair of tags loses pages at the return to user mode, in the context of its own table, where INVLPG does
    /// (N. Amit's patches "x86/mm/tlb: Defer TLB flushes with PTI", linux-kernel, 23 Aug 2019). Not where table pages are freed, nor on an
    /// initiator that waits for others.
    /// </summary>
    [Setting("Whether pages go from the user's half of a pair of tags at the return to user mode, by INVLPG in its own context, instead of "
        + "by INVPCID; does nothing without kernel.page-table-isolation.")]
    public bool InContext { get; init; } = true;

    /// <summary>
    /// Whether a call that writes pages back flushes once at its end. Until then a store may come by an old translation, so the call writes
    /// nothing out before (the paper's batches within a system call).
    /// </summary>
    [Setting("Whether a call that writes pages back (msync) flushes all of them once, before anything is written, or each page by itself.")]
    public bool Batched { get; init; } = true;

    /// <inheritdoc/>
    public string Name => "early-ack";

    /// <inheritdoc/>
    public string Summary =>
        "linux with concurrent flushes, acknowledgements at handler entry, fewer cache lines, no flush for copies (EuroSys 2020)";

    /// <inheritdoc/>
    public bool BatchesWriteBack => Batched;

    /// <inheritdoc/>
    public IReadOnlyList<string> Architectures => ["x86-64"];

    /// <inheritdoc/>
    public IsolationKind Isolation => IsolationKind.Tagged;

    /// <inheritdoc/>
    public SpaceShootdown CreateSpaceHalf(ISpaceShootdownContext context) => new SpaceHalf(this, context);

    /// <inheritdoc/>
    public CoreShootdown CreateCoreHalf(ICoreShootdownContext context) => new CoreHalf(this, context);

    private sealed class SpaceHalf(EarlyAckProtocol protocol, ISpaceShootdownContext context) : LinuxProtocol.SpaceHalf(context)
    {
        protected override bool FlushesTogether => protocol.Concurrent;

        protected override void Flush(ShootdownRequest shootdown, InvalidationScope scope)
        {
            if (protocol.CopyByAccess && shootdown.IsCopy && scope.Entries == 1)
            {
                // It says so to the initiator's core; the others do not look at it.
                shootdown.Generation |= ReplacedByAccess;
            }

            if (Context.Kernel.PageTableIsolation && Cores.HasOthers(shootdown.Initiator))
            {
                shootdown.Generation |= TellsOthers;
            }

            base.Flush(shootdown, scope);
        }
    }

    private sealed class CoreHalf(EarlyAckProtocol protocol, ICoreShootdownContext context) : LinuxProtocol.CoreHalf(context)
    {
        private readonly EarlyAckCounters _counters = new();
        private UserFlush _userFlush;

        public override CounterSet Counters => _counters;

        protected override UserFlush UserFlush => _userFlush;

        public override InvalidationResult OnInvalidation(in Invalidation invalidation)
        {
            bool replaced = (invalidation.Generation & ReplacedByAccess) != 0;
            bool waits = invalidation.IsLocal && (invalidation.Generation & TellsOthers) != 0;
            _userFlush = replaced && invalidation.IsLocal ? UserFlush.ByAccess
                : protocol.InContext && !invalidation.TablesFreed && !waits ? UserFlush.AtReturn
                : UserFlush.ByTag;
            long generation = invalidation.Generation & ~(ReplacedByAccess | TellsOthers);
            InvalidationResult result = base.OnInvalidation(invalidation with { Generation = generation });
            if (invalidation.IsLocal)
            {
                // A core that was behind has flushed everything, which no access does.
                bool spares = replaced && !result.Full;
                _counters[EarlyAckCounters.Replaced] += spares ? 1 : 0;
                return spares ? result with { Cycles = 0 } : result;
            }

            bool isEarly = protocol.AtEntry && !invalidation.TablesFreed;
            _counters[EarlyAckCounters.Early] += isEarly ? 1 : 0;
            long lines = protocol.Consolidated ? 0 : LinesSpared * Context.Machine.LineTransferCycles;
            return result with { Cycles = result.Cycles + lines, Ack = isEarly ? AckTime.AtEntry : AckTime.AfterHandler };
        }

        protected override void CountWrongCore() => _counters[EarlyAckCounters.WrongCore]++;

        protected override void CountLocalFlush(InvalidationScope scope)
        {
            _counters[EarlyAckCounters.LocalFlushesOfAll] += scope.IsWholeSpace ? 1 : 0;
            _counters[EarlyAckCounters.LocalFlushesOfOne] += (long)scope.Entries;
        }
    }
}

// The sentence of a counter stands in its declaration; reports show it.
#pragma warning disable CS1591

/// <summary>What a core counts under <see cref="EarlyAckProtocol"/>.</summary>
public sealed class EarlyAckCounters : CounterSet<EarlyAckCounters>
{
    public static readonly Counter LocalFlushesOfAll = Declare(LinuxCoreCounters.LocalFlushesOfAll.Info);
    public static readonly Counter LocalFlushesOfOne = Declare(LinuxCoreCounters.LocalFlushesOfOne.Info);
    public static readonly Counter WrongCore = Declare(LinuxCoreCounters.WrongCore.Info);
    public static readonly Counter Early = Declare(
        "earlyAcknowledgements", "acknowledgements", "Acknowledgements that left before the core had invalidated.");
    public static readonly Counter Replaced = Declare(
        "copiesByAccess", "faults", "Copy-on-write faults after which the access replaced the core's own translation.");
}
