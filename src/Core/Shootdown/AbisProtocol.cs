using VmSim.Core.Addresses;
using VmSim.Core.Settings;
using VmSim.Core.Statistics;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Shootdown;

/// <summary>
/// Linux with what N. Amit adds to it (Optimizing the TLB Shootdown Algorithm with Page Access Tracking, USENIX ATC 2017): a fault puts its
/// translation into the TLB of its own core, so that the entry stays marked as not accessed for as long as no walk finds it. What dies
/// unmarked concerns the core that it was given, or nobody; what dies marked concerns whom Linux would tell.
/// </summary>
public sealed class AbisProtocol : IShootdownProtocol
{
    /// <summary>In place of a generation: the invalidation is for who holds what died alone, and the space's generation stays.</summary>
    private const long ToHolder = -1;

    /// <summary>
    /// What it takes to put a translation into the TLB: two writes of CR3 and the access between them. Calibrated on the overhead that the
    /// paper's abstract gives, 9 % at most where nothing is unmapped.
    /// </summary>
    [Setting("What it takes a fault to put its translation into the TLB of its core.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e6)]
    public long FillCycles { get; init; } = 250;

    /// <summary>Whether a finished flush of the whole space makes what was held before it count as cached by nobody.</summary>
    [Setting("Whether unmarked pages count as cached by nobody once the whole space has been flushed on every core.")]
    public bool Epochs { get; init; } = true;

    /// <inheritdoc/>
    public string Name => "abis";

    /// <inheritdoc/>
    public string Summary =>
        "linux that tells only the core a fault gave a page, or nobody, as long as no walk has marked its entry (USENIX ATC 2017)";

    /// <inheritdoc/>
    public IReadOnlyList<string> Architectures => ["x86-64"];

    /// <inheritdoc/>
    public bool PrimesFills => true;

    /// <inheritdoc/>
    public IsolationKind Isolation => IsolationKind.Tagged;

    /// <inheritdoc/>
    public SpaceShootdown CreateSpaceHalf(ISpaceShootdownContext context) => new SpaceHalf(this, context);

    /// <inheritdoc/>
    public CoreShootdown CreateCoreHalf(ICoreShootdownContext context) => new CoreHalf(context);

    private sealed class SpaceHalf(AbisProtocol protocol, ISpaceShootdownContext context) : LinuxProtocol.SpaceHalf(context)
    {
        private readonly AbisSpaceCounters _counters = new();

        /// <summary>Shootdowns for which it is not known yet who holds what died.</summary>
        private readonly Dictionary<long, ShootdownRequest> _undecided = [];

        /// <summary>Flushes of the whole space that concern every core, and when they began.</summary>
        private readonly Dictionary<long, Cycles> _flushes = [];

        /// <summary>Cores that hold what died without having the space loaded: they flush when they load it.</summary>
        private readonly CoreMask _owing = new(context.Machine.Cores);

        public override CounterSet Counters => _counters;

        public override void Begin(ShootdownRequest shootdown)
        {
            ArgumentNullException.ThrowIfNull(shootdown);
            if (ConcernsEverybody(shootdown))
            {
                TellAsLinux(shootdown);
                return;
            }

            // A walk that came before the stores could be seen may have marked an entry, and its notice may be on the way.
            Cycles known = shootdown.Holders!.VisibleAt + Context.Delays.Notice;
            if (known > Context.Now)
            {
                _undecided.Add(shootdown.Id, shootdown);
                Context.SetTimer(known, shootdown.Id);
                return;
            }

            TellHolders(shootdown);
        }

        public override void OnTimer(long argument)
        {
            if (!_undecided.Remove(argument, out ShootdownRequest? shootdown))
            {
                base.OnTimer(argument);
            }
            else if (ConcernsEverybody(shootdown))
            {
                TellAsLinux(shootdown);
            }
            else
            {
                TellHolders(shootdown);
            }
        }

        public override LoadAnswer OnLoad(CoreId core)
        {
            bool owes = _owing.Contains(core.Value);
            _owing.Remove(core.Value);
            return base.OnLoad(core) with { Flush = owes };
        }

        public override Cycles OnPrimed(CoreId core, VirtAddr page) => protocol.FillCycles;

        protected override void Flush(ShootdownRequest shootdown, InvalidationScope scope)
        {
            if (scope.IsWholeSpace)
            {
                _flushes.Add(shootdown.Id, Context.Now);
            }

            base.Flush(shootdown, scope);
        }

        protected override void FinishWhenAcknowledged(ShootdownRequest shootdown)
        {
            if (shootdown.PendingAcks == 0 && _flushes.Remove(shootdown.Id, out Cycles begunAt) && protocol.Epochs)
            {
                Context.NoteFlushed(begunAt);
            }

            base.FinishWhenAcknowledged(shootdown);
        }

        protected override void CountRemoteFlush() => _counters[AbisSpaceCounters.RemoteFlushes]++;

        /// <summary>Freed table pages concern every core that has walked through them, which no entry of a page tells.</summary>
        private static bool ConcernsEverybody(ShootdownRequest shootdown) =>
            shootdown.Holders is not { IsEverybody: false, FreesTables: false };

        private void TellAsLinux(ShootdownRequest shootdown)
        {
            _counters[AbisSpaceCounters.Shared]++;
            base.Begin(shootdown);
        }

        private void TellHolders(ShootdownRequest shootdown)
        {
            CoreMask holders = new(Context.Machine.Cores);
            shootdown.Holders!.AddTo(holders);
            shootdown.Generation = ToHolder;
            InvalidationScope scope = Cores.ScopeOf(Context.Kernel, shootdown);
            bool isLocal = holders.Contains(shootdown.Initiator.Value);
            AbisSpaceCounters.Counter which = holders.Count == 0 ? AbisSpaceCounters.Uncached
                : isLocal && holders.Count == 1 ? AbisSpaceCounters.Local
                : AbisSpaceCounters.Held;
            _counters[which]++;
            if (isLocal)
            {
                Context.InvalidateLocally(shootdown, scope);
            }

            for (int core = holders.Next(0); core >= 0; core = holders.Next(core + 1))
            {
                if (core == shootdown.Initiator.Value)
                {
                    continue;
                }

                if (Cores.IsActive(new CoreId(core)))
                {
                    Context.InvalidateByInterrupt(shootdown, new CoreId(core), scope);
                }
                else
                {
                    _owing.Add(core);
                }
            }

            FinishWhenAcknowledged(shootdown);
        }
    }

    private sealed class CoreHalf(ICoreShootdownContext context) : LinuxProtocol.CoreHalf(context)
    {
        private readonly AbisCoreCounters _counters = new();

        public override CounterSet Counters => _counters;

        public override InvalidationResult OnInvalidation(in Invalidation invalidation) => invalidation.Generation == ToHolder
            ? Drop(invalidation.Space, invalidation.Scope, invalidation.IsLocal)
            : base.OnInvalidation(invalidation);

        public override void OnPrimed(bool primed) => _counters[primed ? AbisCoreCounters.Primed : AbisCoreCounters.NotPrimed]++;

        protected override void CountWrongCore() => _counters[AbisCoreCounters.WrongCore]++;

        protected override void CountLocalFlush(InvalidationScope scope)
        {
            _counters[AbisCoreCounters.LocalFlushesOfAll] += scope.IsWholeSpace ? 1 : 0;
            _counters[AbisCoreCounters.LocalFlushesOfOne] += (long)scope.Entries;
        }

        /// <summary>The core drops what it was given, whether it has the space loaded still or has it under another PCID.</summary>
        private InvalidationResult Drop(SpaceId space, InvalidationScope scope, bool isLocal)
        {
            if (isLocal)
            {
                CountLocalFlush(scope);
            }

            return TryTagOf(space, out Asid tag) ? SharedRules.Invalidate(Context, tag, scope) : default;
        }
    }
}

// The sentence of a counter stands in its declaration; reports show it.
#pragma warning disable CS1591

/// <summary>What an address space counts under <see cref="AbisProtocol"/>.</summary>
public sealed class AbisSpaceCounters : CounterSet<AbisSpaceCounters>
{
    public static readonly Counter RemoteFlushes = Declare(LinuxSpaceCounters.RemoteFlushes.Info);
    public static readonly Counter Uncached = Declare(
        "uncachedShootdowns", "shootdowns", "Shootdowns of what no core could hold: nobody invalidated.");
    public static readonly Counter Local = Declare(
        "localShootdowns", "shootdowns", "Shootdowns of what only the initiator could hold: nobody else was told.");
    public static readonly Counter Held = Declare(
        "heldShootdowns", "shootdowns", "Shootdowns of what other cores were given: they alone were told.");
    public static readonly Counter Shared = Declare(
        "sharedShootdowns", "shootdowns", "Shootdowns of what walks had marked, or that freed table pages: as Linux tells.");
}

/// <summary>What a core counts under <see cref="AbisProtocol"/>.</summary>
public sealed class AbisCoreCounters : CounterSet<AbisCoreCounters>
{
    public static readonly Counter LocalFlushesOfAll = Declare(LinuxCoreCounters.LocalFlushesOfAll.Info);
    public static readonly Counter LocalFlushesOfOne = Declare(LinuxCoreCounters.LocalFlushesOfOne.Info);
    public static readonly Counter WrongCore = Declare(LinuxCoreCounters.WrongCore.Info);
    public static readonly Counter Primed = Declare("primedFills", "fills", "Translations that faults put into the core's TLBs.");
    public static readonly Counter NotPrimed = Declare(
        "primedFillsInVain", "fills", "Faults whose page was gone, or marked again, when the core would have taken its translation.");
}
