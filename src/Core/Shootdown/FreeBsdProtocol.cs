using VmSim.Core.Addresses;
using VmSim.Core.Settings;
using VmSim.Core.Statistics;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Shootdown;

/// <summary>
/// What FreeBSD does on amd64 (smp_targeted_tlb_shootdown in sys/x86/x86/mp_x86.c, pmap_invalidate_range in sys/amd64/amd64/pmap.c): an
/// interrupt to every core on which the space is active. A target marks the initiator's word of its scoreboard, and invalidates then; the
/// initiator invalidates while it waits. Ranges below 16 MiB go page by page. Every other core that has a PCID of the space flushes it when
/// it loads the space again, told or not (pm_gen). An idle core has left the space.
/// </summary>
public sealed class FreeBsdProtocol : IShootdownProtocol
{
    /// <summary>Pages from which on all is dropped: PMAP_INVLPG_THRESHOLD, sys/amd64/include/pmap.h.</summary>
    private const int ThresholdPages = 4 * 1024;

    /// <summary>Pages from which on a core drops the whole space.</summary>
    [Setting("Pages of 4 KiB from which on a core drops the whole space instead of page by page.", Unit = SettingUnit.Pages, Min = 1,
        Max = 1_048_576)]
    public int Threshold { get; init; } = ThresholdPages;

    /// <summary>Whether a target marks the scoreboard before it invalidates, as FreeBSD does.</summary>
    [Setting("Whether a target marks the scoreboard before it invalidates, as FreeBSD does, or after.")]
    public bool EarlyMark { get; init; } = true;

    /// <inheritdoc/>
    public string Name => "freebsd";

    /// <inheritdoc/>
    public string Summary =>
        "interrupts to cores where the space is active, a scoreboard marked before they invalidate, page by page below 16 MiB (mp_x86.c)";

    /// <inheritdoc/>
    public IReadOnlyList<string> Architectures => ["x86-64"];

    /// <inheritdoc/>
    public IsolationKind Isolation => IsolationKind.Tagged;

    /// <inheritdoc/>
    public SpaceShootdown CreateSpaceHalf(ISpaceShootdownContext context) => new SpaceHalf(context, (ulong)Threshold);

    /// <inheritdoc/>
    public CoreShootdown CreateCoreHalf(ICoreShootdownContext context) =>
        new CoreHalf(context, EarlyMark ? AckTime.AtEntry : AckTime.AfterHandler);

    private sealed class SpaceHalf(ISpaceShootdownContext context, ulong threshold) : SpaceShootdown
    {
        private readonly FreeBsdCounters _counters = new();

        /// <summary>Cores that run the space (pm_active).</summary>
        private readonly CoreMask _active = new(context.Machine.Cores);

        /// <summary>Cores whose PCID of the space is good: it was loaded there, and nothing has died since (pm_gen is not 0).</summary>
        private readonly CoreMask _good = new(context.Machine.Cores);

        public override CounterSet Counters => _counters;

        public override void Begin(ShootdownRequest shootdown)
        {
            ArgumentNullException.ThrowIfNull(shootdown);
            DeadRange dead = shootdown.Dead;
            InvalidationScope scope = new(dead, dead.Bytes >> PageSizes.BaseShift >= threshold);
            for (int core = _good.Next(0); core >= 0; core = _good.Next(core + 1))
            {
                if (core != shootdown.Initiator.Value)
                {
                    _good.Remove(core);
                }
            }

            context.InvalidateLocally(shootdown, scope);
            for (int core = _active.Next(0); core >= 0; core = _active.Next(core + 1))
            {
                if (core != shootdown.Initiator.Value)
                {
                    context.InvalidateByInterrupt(shootdown, new CoreId(core), scope);
                }
            }

            SharedRules.FinishWhenAcknowledged(context, shootdown);
        }

        public override void OnAck(ShootdownRequest shootdown, CoreId core) => SharedRules.FinishWhenAcknowledged(context, shootdown);

        public override LoadAnswer OnLoad(CoreId core)
        {
            bool flushes = !_good.Contains(core) || context.SpaceCount > context.TagCount;
            _counters[FreeBsdCounters.FlushesAtLoad] += flushes ? 1 : 0;
            _active.Add(core.Value);
            _good.Add(core.Value);
            return new LoadAnswer(SharedRules.TagOf(context.Space, context.SpaceCount, context.TagCount), Flush: flushes);
        }

        public override void OnLeave(CoreId core) => _active.Remove(core.Value);

        /// <summary>The idle thread has an address space of its own (pmap_activate_sw).</summary>
        public override void OnLazy(CoreId core) => _active.Remove(core.Value);
    }

    private sealed class CoreHalf(ICoreShootdownContext context, AckTime ack) : CoreShootdown
    {
        public override bool TellsLazy => true;

        public override bool ReloadAfterIdle => true;

        public override InvalidationResult OnInvalidation(in Invalidation invalidation)
        {
            Asid tag = SharedRules.TagOf(invalidation.Space, context.SpaceCount, context.TagCount);
            return SharedRules.Invalidate(context, tag, invalidation.Scope, UserFlush.AtOnce) with { Ack = ack };
        }
    }
}

// The sentence of a counter stands in its declaration; reports show it.
#pragma warning disable CS1591

/// <summary>What an address space counts under <see cref="FreeBsdProtocol"/>.</summary>
public sealed class FreeBsdCounters : CounterSet<FreeBsdCounters>
{
    public static readonly Counter FlushesAtLoad = Declare(
        "flushesAtLoad", "flushes", "Loads of the space that flushed its tag, because something had died since or the tag was new.");
}
