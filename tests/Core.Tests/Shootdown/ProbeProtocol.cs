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
/// A protocol that uses every hook. What comes in by a hook goes into a sum that costs cycles, so that anything that came at another time or in another order shows in the report.
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

    /// <summary>A sum of everything that came in.</summary>
    private struct Digest
    {
        private ulong _sum;

        /// <summary>Cycles that depend on all of it.</summary>
        public readonly long Cycles => (long)(_sum >> 61);

        public readonly long Word => (long)(_sum >> 40) + 1;

        public void Add(long time, long what, long value) =>
            _sum = System.Numerics.BitOperations.RotateLeft((_sum ^ (ulong)time) * 0x9E3779B97F4A7C15, 17) + ((ulong)what * 0xBF58476D1CE4E5B9) + (ulong)value;
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
            ulong pages = shootdown.SpanPages > (ulong)context.Kernel.FlushCeilingPages ? 0 : shootdown.SpanPages;
            context.InvalidateLocally(shootdown, shootdown.Start, pages, shootdown.PageSize);
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
                    context.Tell(shootdown, new CoreId(core), Told, ToldDelay + (awaited ? core : 0), shootdown.Start, pages, shootdown.PageSize, awaited);
                }
                else
                {
                    context.SendInvalidation(shootdown, new CoreId(core), shootdown.Start, pages, shootdown.PageSize);
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
            _digest.Add(context.Now, 1, core.Value);
            _counters[ProbeSpaceCounters.Acks]++;
            if (shootdown.PendingAcks == 0)
            {
                context.Finish(shootdown);
            }
        }

        public override LoadAnswer OnLoad(CoreId core)
        {
            _everLoaded.Add(core.Value);
            return new LoadAnswer(0, 0, Flush: false, probe.Has(ProbeFeatures.Copies) ? 1 + context.Machine.SocketOf(core) : 0);
        }

        public override long OnFault(CoreId core, VirtAddr page, AccessKind access, long word)
        {
            probe.Log($"fault core={core.Value} page={page.Value:x} access={access} word={word}");
            _digest.Add(context.Now, 2, (long)page.Value + word);
            bool filled = probe.Has(ProbeFeatures.OnDemand) && context.FillTable(1 + context.Machine.SocketOf(core), page);
            return filled ? 20 : 0;
        }

        public override void OnAccessed(CoreId core, VirtAddr address, PageFlags bits)
        {
            probe.Log($"accessed core={core.Value} page={address.Value:x} bits={bits}");
            _digest.Add(context.Now, 3, (long)bits + (long)address.Value);
        }

        public override void OnTrapWord(CoreId core, long word)
        {
            probe.Log($"trapword core={core.Value} word={word}");
            _digest.Add(context.Now, 4, word);
        }

        public override long ReturnWord(CoreId core) => probe.Has(ProbeFeatures.Words) ? _digest.Word : 0;

        public override long OnCopied(long entries)
        {
            probe.Log($"copied entries={entries}");
            return entries;
        }

        public override void OnProtocol(CoreId core, in SimMessage message)
        {
            probe.Log($"note core={core.Value} kind={message.ProtocolKind} a={message.A} b={message.B} c={message.C} d={message.D} at={context.Now}");
            _digest.Add(context.Now, 5, message.A);
            context.SendProtocol(core, Order, OrderDelay + _digest.Cycles, message.A, 0, 0, 0);
        }
    }

    private sealed class CoreHalf(ProbeProtocol probe, ICoreShootdownContext context) : CoreShootdown
    {
        private readonly Queue<(SimMessage Message, bool AcksLater)> _deferred = new();
        private Digest _digest;
        private readonly ProbeCoreCounters _counters = new();
        private int _notes;

        public override CounterSet? Counters => _counters;

        public override InvalidationResult OnInvalidation(in SimMessage message)
        {
            bool local = (message.Flags & SimMessage.LocalFlag) != 0;
            probe.Log($"invalidation core={context.Core.Value} flags={message.Flags} state={context.State} at={context.Now}");
            if (probe.Has(ProbeFeatures.Direct) && !local)
            {
                context.SendDirect(new CoreId((int)message.D), Direct, DirectDelay + _digest.Cycles, message.Space, message.A, context.Now, _digest.Word);
            }

            if (probe.Has(ProbeFeatures.EarlyAck) && !local && (message.Flags & SimMessage.TablesFreedFlag) == 0)
            {
                // A core in a trap may wait for the very operation that waits for its ack.
                bool later = context.State == CoreState.Running;
                _deferred.Enqueue((message, later));
                return new InvalidationResult(0, 0, Full: false, Ack: later ? AckTime.Later : AckTime.AtEntry);
            }

            return Invalidate(message);
        }

        public override long OnReturnToUser()
        {
            probe.Log($"user core={context.Core.Value} deferred={_deferred.Count} at={context.Now}");
            long cycles = 0;
            while (_deferred.TryDequeue(out (SimMessage Message, bool AcksLater) deferred))
            {
                SimMessage message = deferred.Message;
                context.BeginInvalidation(new SpaceId(message.Space), message.A, new VirtAddr((ulong)message.B), SharedRules.SpanOf(message), SharedRules.SizeOf(message));
                InvalidationResult result = Invalidate(message);
                context.EndInvalidation(result);
                cycles += result.Cycles;
                if (deferred.AcksLater)
                {
                    context.Acknowledge(message, result.Dropped, result.Cycles);
                }
            }

            return cycles;
        }

        public override LoadResult OnLoaded(SpaceId space, in SimMessage answer) => new(TagOf(space.Value), 0, Flushed: false);

        public override long OnProtocol(in SimMessage message)
        {
            probe.Log($"order core={context.Core.Value} kind={message.ProtocolKind} a={message.A}");
            _digest.Add(context.Now, 6, message.A);
            return _digest.Cycles;
        }

        public override long OnDirect(in SimMessage message)
        {
            probe.Log($"direct core={context.Core.Value} from={message.Sender} kind={message.ProtocolKind} a={message.A} b={message.B} c={message.C} at={context.Now}");
            _digest.Add(context.Now, 7, message.Sender + message.D);
            Tell((int)message.A, message.Sender);
            return 10 + _digest.Cycles;
        }

        public override long OnWalk(in PageWalk walk)
        {
            probe.Log($"walk core={context.Core.Value} page={walk.Address.Value:x} access={walk.Access} faulted={walk.Faulted} size={walk.Size} bits={walk.BitsSet}");
            _digest.Add(context.Now, 8, (long)walk.Address.Value + (long)walk.BitsSet);
            return walk.Faulted ? 0 : _digest.Cycles;
        }

        public override long OnFill(in TlbEntry entry)
        {
            probe.Log($"fill core={context.Core.Value} tag={entry.Tag.Value} page={entry.Page.Value:x} size={entry.Size}");
            _digest.Add(context.Now, 9, (long)entry.Page.Value);
            if (++_notes % 8 == 0)
            {
                Tell(entry.Tag.Value - 1, entry.Tag.Value);
            }

            return 1;
        }

        public override long OnEvict(in TlbEntry entry)
        {
            probe.Log($"evict core={context.Core.Value} tag={entry.Tag.Value} page={entry.Page.Value:x} size={entry.Size}");
            _digest.Add(context.Now, 10, (long)entry.Page.Value);
            return 2;
        }

        public override long TrapWord(SpaceId space) => probe.Has(ProbeFeatures.Words) ? _digest.Word : 0;

        public override void OnReturnWord(SpaceId space, long word)
        {
            probe.Log($"returnword core={context.Core.Value} space={space.Value} word={word}");
            _digest.Add(context.Now, 11, word);
        }

        private static Asid TagOf(int space) => new((ushort)(space + 1));

        private void Tell(int space, long what) => context.SendProtocol(new SpaceId(space), Note, NoteDelay, what, 2, 3, 4);

        private InvalidationResult Invalidate(in SimMessage message)
        {
            InvalidationResult result = SharedRules.Invalidate(context, TagOf(message.Space), message);
            _digest.Add(context.Now, 12, result.Dropped);
            _counters[ProbeCoreCounters.Dropped] += result.Dropped;
            _counters[ProbeCoreCounters.Invalidations]++;
            return result;
        }
    }
}
