using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Mmu;
using VmSim.Core.Paging;
using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;
using VmSim.Core.VirtualTime;

namespace VmSim.Tests.Shared;

/// <summary>What a <see cref="ProbeProtocol"/> does beside interrupting every core that has loaded the space.</summary>
[Flags]
public enum ProbeFeatures
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Cores that invalidate say so to the initiator's core, and it says so to the space.</summary>
    Direct = 1,

    /// <summary>Core halves hear of walks, fills and evictions, and tell the space of some.</summary>
    Watch = 2,

    /// <summary>Each socket walks a copy of the page table.</summary>
    Copies = 4,

    /// <summary>Copies hold the pages that their cores faulted on.</summary>
    OnDemand = 8,

    /// <summary>Traps and their answers carry words.</summary>
    Words = 16,

    /// <summary>Cores in the kernel ack at once and invalidate before they return to user mode; cores in user mode ack then.</summary>
    EarlyAck = 32,

    /// <summary>Every second core is told without an interrupt, every fourth is not waited for.</summary>
    Tell = 64,

    /// <summary>All of it.</summary>
    All = 127,
}

/// <summary>What each core half counts.</summary>
public sealed class ProbeCoreCounters : CounterSet<ProbeCoreCounters>
{
    public static readonly Counter Invalidations = Declare("probeInvalidations", "invalidations", "Invalidations that the probe has made.");
    public static readonly Counter Dropped = Declare("probeDropped", "entries", "TLB entries that they dropped.");
}

/// <summary>What each space half counts.</summary>
public sealed class ProbeSpaceCounters : CounterSet<ProbeSpaceCounters>
{
    public static readonly Counter Acks = Declare("probeAcks", "acknowledgements", "Acknowledgements that came to the probe.");
}

/// <summary>
/// A protocol that uses every hook. What comes in by a hook goes into a sum that costs cycles, so that anything that came at another time
/// or in another order shows in the report.
/// </summary>
/// <param name="features">What it does.</param>
/// <param name="log">Takes a line for each call of a hook, of a run on one thread; null for none.</param>
public sealed class ProbeProtocol(ProbeFeatures features, List<string>? log = null) : IShootdownProtocol
{
    public const int Told = 0;
    public const int Order = 1;
    public const int Note = 2;
    public const int Direct = 3;
    public const long ToldDelay = 120;
    public const long OrderDelay = 250;
    public const long NoteDelay = 90;
    public const long DirectDelay = 550;

    public string Name => "probe";

    public string Summary => "uses every hook";

    public CoreEvents Watches => (Has(ProbeFeatures.Watch) ? CoreEvents.Walks | CoreEvents.Fills | CoreEvents.Evictions : 0)
        | (Has(ProbeFeatures.EarlyAck) ? CoreEvents.UserReturns : 0);

    public bool FillsTablesOnDemand => Has(ProbeFeatures.OnDemand);

    public IReadOnlyList<ProtocolMessage> Messages(MachineSpec machine, KernelProfile kernel) =>
    [
        new("told", MessageDirection.SpaceToCore, ToldDelay),
        new("order", MessageDirection.SpaceToCore, OrderDelay),
        new("note", MessageDirection.CoreToSpace, NoteDelay),
        new("direct", MessageDirection.CoreToCore, DirectDelay),
    ];

    public int Tables(MachineSpec machine) => Has(ProbeFeatures.Copies) ? 1 + machine.Sockets : 1;

    public SpaceShootdown CreateSpaceHalf(ISpaceShootdownContext context) => new SpaceHalf(this, context);

    public CoreShootdown CreateCoreHalf(ICoreShootdownContext context) => new CoreHalf(this, context);

    private bool Has(ProbeFeatures feature) => (features & feature) == feature;

    private void Log(FormattableString line) => log?.Add(FormattableString.Invariant(line));

    /// <summary>What a core tells a space.</summary>
    private readonly record struct NoteText(long What, long First, long Second, long Third);

    /// <summary>What a core tells another.</summary>
    private readonly record struct DirectText(SpaceId Space, int Shootdown, long Time, long Word);

    /// <summary>A sum of everything that came in.</summary>
    private struct Digest
    {
        private ulong _sum;

        /// <summary>Cycles that depend on all of it.</summary>
        public readonly long Cycles => (long)(_sum >> 61);

        public readonly long Word => (long)(_sum >> 40) + 1;

        public void Add(long time, long what, long value) =>
            _sum = System.Numerics.BitOperations.RotateLeft(
                (_sum ^ (ulong)time) * 0x9E3779B97F4A7C15, 17) + ((ulong)what * 0xBF58476D1CE4E5B9) + (ulong)value;
    }

    private sealed class SpaceHalf(ProbeProtocol probe, ISpaceShootdownContext context) : SpaceShootdown
    {
        private readonly ProbeSpaceCounters _counters = new();
        private readonly CoreMask _everLoaded = new(context.Machine.Cores);
        private Digest _digest;

        public override CounterSet? Counters => _counters;

        public override void Begin(ShootdownRequest shootdown)
        {
            ArgumentNullException.ThrowIfNull(shootdown);
            shootdown.Generation = shootdown.Initiator.Value;
            InvalidationScope scope = SharedRules.ScopeOf(context.Kernel, shootdown);
            context.InvalidateLocally(shootdown, scope);
            for (int core = _everLoaded.Next(0); core >= 0; core = _everLoaded.Next(core + 1))
            {
                if (core == shootdown.Initiator.Value)
                {
                    continue;
                }

                if (probe.Has(ProbeFeatures.Tell) && core % 2 == 1)
                {
                    // Nobody waits for every second of them: it must have invalidated when the operation returns.
                    bool awaited = core % 4 == 1;
                    context.InvalidateByMessage(shootdown, new CoreId(core), scope, Told, ToldDelay + (awaited ? core : 0), awaited);
                }
                else
                {
                    context.InvalidateByInterrupt(shootdown, new CoreId(core), scope);
                }
            }

            if (shootdown.PendingAcks == 0)
            {
                context.Finish(shootdown);
            }
        }

        public override void OnAck(ShootdownRequest shootdown, CoreId core)
        {
            ArgumentNullException.ThrowIfNull(shootdown);
            probe.Log($"acked core={core.Value} at={context.Now}");
            _digest.Add(context.Now.Value, 1, core.Value);
            _counters[ProbeSpaceCounters.Acks]++;
            if (shootdown.PendingAcks == 0)
            {
                context.Finish(shootdown);
            }
        }

        public override LoadAnswer OnLoad(CoreId core)
        {
            _everLoaded.Add(core.Value);
            return new LoadAnswer(Table: probe.Has(ProbeFeatures.Copies) ? 1 + context.Machine.SocketOf(core) : 0);
        }

        public override Cycles OnFault(CoreId core, VirtAddr page, AccessKind access, bool wasMapped, long word)
        {
            probe.Log($"fault core={core.Value} page={page.Value:x} access={access} word={word}");
            _digest.Add(context.Now.Value, 2, (long)page.Value + word);
            bool filled = probe.Has(ProbeFeatures.OnDemand) && context.FillTable(1 + context.Machine.SocketOf(core), page).Written;
            return filled ? 20 : 0;
        }

        public override void OnAccessed(CoreId core, VirtAddr address, PageFlags bits)
        {
            probe.Log($"accessed core={core.Value} page={address.Value:x} bits={bits}");
            _digest.Add(context.Now.Value, 3, (long)bits + (long)address.Value);
        }

        public override void OnTrapWord(CoreId core, long word)
        {
            probe.Log($"trapword core={core.Value} word={word}");
            _digest.Add(context.Now.Value, 4, word);
        }

        public override long ReturnWord(CoreId core) => probe.Has(ProbeFeatures.Words) ? _digest.Word : 0;

        public override Cycles OnCopied(long entries)
        {
            probe.Log($"copied entries={entries}");
            return entries;
        }

        public override void OnProtocol(CoreId core, in ProtocolPayload payload)
        {
            NoteText note = payload.As<NoteText>();
            string rest = string.Join(',', note.First, note.Second, note.Third);
            probe.Log($"note core={core.Value} kind={payload.Kind} what={note.What} rest={rest} at={context.Now}");
            _digest.Add(context.Now.Value, 5, note.What);
            context.SendProtocol(core, OrderDelay + _digest.Cycles, ProtocolPayload.Of(Order, note.What));
        }
    }

    private sealed class CoreHalf(ProbeProtocol probe, ICoreShootdownContext context) : CoreShootdown
    {
        private readonly Queue<(Invalidation Invalidation, bool AcksLater)> _deferred = new();
        private Digest _digest;
        private readonly ProbeCoreCounters _counters = new();
        private int _notes;

        public override CounterSet? Counters => _counters;

        public override InvalidationResult OnInvalidation(in Invalidation invalidation)
        {
            probe.Log($"invalidation core={context.Core.Value} way={invalidation.Way} state={context.State} at={context.Now}");
            if (probe.Has(ProbeFeatures.Direct) && !invalidation.IsLocal)
            {
                DirectText text = new(invalidation.Space, (int)invalidation.Shootdown, context.Now.Value, _digest.Word);
                context.SendDirect(
                    new CoreId((int)invalidation.Generation), DirectDelay + _digest.Cycles, ProtocolPayload.Of(Direct, text));
            }

            if (probe.Has(ProbeFeatures.EarlyAck) && !invalidation.IsLocal && !invalidation.TablesFreed)
            {
                // A core in a trap may wait for the very operation that waits for its ack.
                bool later = context.State == CoreState.Running;
                _deferred.Enqueue((invalidation, later));
                return new InvalidationResult(0, 0, Full: false, Ack: later ? AckTime.Later : AckTime.AtEntry);
            }

            return Invalidate(invalidation);
        }

        public override Cycles OnReturnToUser()
        {
            probe.Log($"user core={context.Core.Value} deferred={_deferred.Count} at={context.Now}");
            return InvalidateDeferred();
        }

        /// <summary>The next thread may wait in the kernel for an operation that waits for an ack of this core.</summary>
        public override Cycles OnSwitch() => InvalidateDeferred();

        private Cycles InvalidateDeferred()
        {
            Cycles cycles = 0;
            while (_deferred.TryDequeue(out (Invalidation Invalidation, bool AcksLater) deferred))
            {
                Invalidation invalidation = deferred.Invalidation;
                context.BeginInvalidation(invalidation.Space, invalidation.Shootdown, invalidation.Scope.Range);
                InvalidationResult result = Invalidate(invalidation);
                context.EndInvalidation(result);
                cycles += result.Cycles;
                if (deferred.AcksLater)
                {
                    context.Acknowledge(invalidation, result.Dropped, result.Cycles);
                }
            }

            return cycles;
        }

        public override LoadResult OnLoaded(SpaceId space, in LoadAnswer answer) => new(TagOf(space), 0, Flushed: false);

        public override Cycles OnProtocol(SpaceId space, in ProtocolPayload payload)
        {
            long what = payload.As<long>();
            probe.Log($"order core={context.Core.Value} kind={payload.Kind} what={what}");
            _digest.Add(context.Now.Value, 6, what);
            return _digest.Cycles;
        }

        public override Cycles OnDirect(CoreId from, in ProtocolPayload payload)
        {
            DirectText text = payload.As<DirectText>();
            string origin = $"space={text.Space} shootdown={text.Shootdown} sent={text.Time}";
            probe.Log(
                $"direct core={context.Core.Value} from={from} kind={payload.Kind} {origin} at={context.Now}");
            _digest.Add(context.Now.Value, 7, from.Value + text.Word);
            Note(text.Space, from.Value);
            return 10 + _digest.Cycles;
        }

        public override Cycles OnWalk(in PageWalk walk)
        {
            (ulong page, AccessKind access, PageFlags bits) = (walk.Address.Value, walk.Access, walk.BitsSet);
            probe.Log($"walk core={context.Core.Value} page={page:x} access={access} faulted={walk.Faulted} size={walk.Size} bits={bits}");
            _digest.Add(context.Now.Value, 8, (long)walk.Address.Value + (long)walk.BitsSet);
            return walk.Faulted ? 0 : _digest.Cycles;
        }

        public override Cycles OnFill(in TlbEntry entry)
        {
            probe.Log($"fill core={context.Core.Value} tag={entry.Tag.Value} page={entry.Page.Value:x} size={entry.Size}");
            _digest.Add(context.Now.Value, 9, (long)entry.Page.Value);
            if (++_notes % 8 == 0)
            {
                Note(new SpaceId(entry.Tag.Value - 1), entry.Tag.Value);
            }

            return 1;
        }

        public override Cycles OnEvict(in TlbEntry entry)
        {
            probe.Log($"evict core={context.Core.Value} tag={entry.Tag.Value} page={entry.Page.Value:x} size={entry.Size}");
            _digest.Add(context.Now.Value, 10, (long)entry.Page.Value);
            return 2;
        }

        public override long TrapWord(SpaceId space) => probe.Has(ProbeFeatures.Words) ? _digest.Word : 0;

        public override void OnReturnWord(SpaceId space, long word)
        {
            probe.Log($"returnword core={context.Core.Value} space={space.Value} word={word}");
            _digest.Add(context.Now.Value, 11, word);
        }

        private static Asid TagOf(SpaceId space) => new((ushort)(space.Value + 1));

        private void Note(SpaceId space, long what) =>
            context.SendProtocol(space, NoteDelay, ProtocolPayload.Of(ProbeProtocol.Note, new NoteText(what, 2, 3, 4)));

        private InvalidationResult Invalidate(in Invalidation invalidation)
        {
            InvalidationResult result = SharedRules.Invalidate(context, TagOf(invalidation.Space), invalidation.Scope);
            _digest.Add(context.Now.Value, 12, result.Dropped);
            _counters[ProbeCoreCounters.Dropped] += result.Dropped;
            _counters[ProbeCoreCounters.Invalidations]++;
            return result;
        }
    }
}
