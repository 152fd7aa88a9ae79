using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Shootdown;

/// <summary>How the user's half of a pair of tags loses pages that go one by one; what goes whole does so at the return.</summary>
public enum UserFlush
{
    /// <summary>
    /// By INVPCID; without it, the whole half goes at the return to user mode (native_flush_tlb_one_user, arch/x86/mm/tlb.c).
    /// </summary>
    ByTag,

    /// <summary>
    /// By INVPCID; without it, by INVLPG under the user's table, which is loaded for it. Nothing is done if the whole half goes at the
    /// return (pmap_invalidate_range_pcid_cb, sys/amd64/amd64/pmap.c).
    /// </summary>
    AtOnce,

    /// <summary>By INVLPG under the user's table, at the return to user mode.</summary>
    AtReturn,

    /// <summary>It has lost them by an access that faulted: nothing is left to do.</summary>
    ByAccess,

    /// <summary>Hardware has dropped them, and what goes whole too.</summary>
    ByHardware,
}

/// <summary>
/// The pairs of tags that a core has under page-table isolation (<see cref="KernelProfile.PageTableIsolation"/>). A space has a tag for
/// the kernel's table, which protocols know, and one for the user's, with one bit more (user_pcid, X86_CR3_PTI_PCID_USER_BIT). Both halves
/// must lose what dies. The user's can wait until the return to user mode: nobody uses it in the kernel (user_pcid_flush_mask,
/// SWITCH_TO_USER_CR3, arch/x86/entry/calling.h).
/// </summary>
public sealed class TagPairs
{
    private readonly ICoreShootdownContext _context;
    private readonly bool _isUntagged;

    /// <summary>What halves lose when they are used again, by the user's tag.</summary>
    private readonly Dictionary<ushort, OwedFlush> _owed = [];

    /// <summary>What died in the shootdowns that the core invalidates for; empty while it does not.</summary>
    private readonly List<DeadRange> _dead = [];

    private SpaceId _space = SpaceId.None;
    private long _shootdown;
    private Asid _loaded;

    /// <summary>Makes the pairs of a core, with nothing owed.</summary>
    /// <param name="context">The core. Its spaces have no more tags than <see cref="ICoreShootdownContext.TagCount"/>.</param>
    /// <param name="isUntagged">
    /// Whether there are no tags (<see cref="IsolationKind.Untagged"/>), so that every switch of tables drops everything.
    /// </param>
    public TagPairs(ICoreShootdownContext context, bool isUntagged)
    {
        ArgumentNullException.ThrowIfNull(context);
        _context = context;
        _isUntagged = isUntagged;
    }

    /// <summary>What it counts.</summary>
    public TagPairCounters Counters { get; } = new();

    private KernelProfile Kernel => _context.Kernel;

    /// <summary>The tag of the user's half: the bit above those that spaces have.</summary>
    /// <param name="tag">The kernel's.</param>
    public Asid UserOf(Asid tag) => new((ushort)(tag.Value | (_context.TagCount + 1)));

    /// <summary>Does what an invalidation says in both halves, or has the user's do it at the return.</summary>
    /// <param name="tag">The kernel's tag.</param>
    /// <param name="scope">What goes.</param>
    /// <param name="way">How pages go from the user's half.</param>
    public InvalidationResult Invalidate(Asid tag, InvalidationScope scope, UserFlush way)
    {
        Asid user = UserOf(tag);
        int dropped = Drop(tag, scope);
        long pages = (long)scope.Entries;
        long cycles = scope.IsWholeSpace
            ? Kernel.InvalidateAllCycles
            : Kernel.InvalidateRangeCycles + (pages * Kernel.InvalidatePageCycles);
        if (way == UserFlush.ByHardware || (way == UserFlush.ByAccess && !scope.IsWholeSpace))
        {
            return new InvalidationResult(cycles, dropped + Drop(user, scope), scope.IsWholeSpace);
        }

        if (!scope.IsWholeSpace && way == UserFlush.AtReturn)
        {
            return new InvalidationResult(cycles, dropped, Full: false, Owed: OweRange(user, scope.Range));
        }

        if (scope.IsWholeSpace || !(Kernel.Invpcid || way == UserFlush.AtOnce))
        {
            return new InvalidationResult(cycles, dropped, scope.IsWholeSpace, Owed: OweAll(user));
        }

        if (way == UserFlush.AtOnce && _owed.TryGetValue(user.Value, out OwedFlush? owed) && owed.IsWhole)
        {
            return new InvalidationResult(cycles, dropped, Full: false, Owed: OweAll(user));
        }

        if (Kernel.Invpcid)
        {
            Counters[TagPairCounters.PagesByTag] += pages;
            cycles += pages * SharedRules.UserPageCyclesOf(Kernel);
        }
        else
        {
            cycles += Switch() + Switch() + (pages * Kernel.InvalidatePageCycles);
        }

        return new InvalidationResult(cycles, dropped + Drop(user, scope), Full: false);
    }

    /// <summary>A space is loaded, and what is under its tag may be stale: the kernel's half goes now, the user's at the return.</summary>
    /// <param name="tag">The kernel's tag.</param>
    /// <returns>TLB entries dropped.</returns>
    public int Flush(Asid tag)
    {
        OweAll(UserOf(tag));
        return _context.Mmu.InvalidateHalf(tag);
    }

    /// <summary>
    /// A space is loaded. Pages that go by themselves at a return have become too many to remember if it is another one
    /// (switch_mm_irqs_off in N. Amit's patch "x86/mm/tlb: Defer PTI flushes").
    /// </summary>
    /// <param name="tag">The kernel's tag.</param>
    public void Load(Asid tag)
    {
        if (tag == _loaded)
        {
            return;
        }

        _loaded = tag;
        foreach (OwedFlush owed in _owed.Values)
        {
            owed.IsWhole = true;
        }
    }

    /// <summary>The core enters the kernel from user mode.</summary>
    /// <returns>Cycles that the switch of tables takes.</returns>
    public long Enter()
    {
        long cycles = Switch();
        return _isUntagged ? Math.Max(cycles, Kernel.InvalidateAllCycles) : cycles;
    }

    /// <summary>The core leaves the kernel for user mode.</summary>
    /// <param name="tag">The kernel's tag.</param>
    /// <returns>Cycles that the switch of tables takes, without what is owed.</returns>
    public long Leave(Asid tag)
    {
        if (_isUntagged)
        {
            OweAll(UserOf(tag));
        }

        return Switch();
    }

    /// <summary>The user's half of a pair is used again: it loses what it owes.</summary>
    /// <param name="tag">The kernel's tag.</param>
    /// <returns>Cycles that this takes on top of the switch of tables: one write of CR3 does both.</returns>
    public long PayOwed(Asid tag)
    {
        Asid user = UserOf(tag);
        if (_owed.Count == 0 || !_owed.Remove(user.Value, out OwedFlush? owed))
        {
            return 0;
        }

        for (int i = 0; i < owed.Dead.Count; i++)
        {
            if (i == 0)
            {
                _context.BeginInvalidation(owed.Space, owed.Shootdown, owed.Dead[0]);
            }
            else
            {
                _context.AlsoDead(owed.Dead[i]);
            }
        }

        int dropped = Drop(user, new InvalidationScope(owed.Range, owed.IsWhole));
        dropped += _isUntagged ? _context.Mmu.InvalidateHalf(tag) : 0;
        long cycles = owed.IsWhole
            ? Math.Max(0, Kernel.InvalidateAllCycles - Kernel.TableSwitchCycles)
            : (long)owed.Range.Pages * Kernel.InvalidatePageCycles;
        Counters[owed.IsWhole ? TagPairCounters.FlushesAtReturn : TagPairCounters.RangesAtReturn]++;
        _context.EndInvalidation(new InvalidationResult(cycles, dropped, Full: false));
        return cycles;
    }

    /// <summary>The core invalidates for a shootdown from now on: what it will owe is owed for it.</summary>
    internal void Begin(SpaceId space, long shootdown, DeadRange dead)
    {
        _space = space;
        _shootdown = shootdown;
        _dead.Clear();
        _dead.Add(dead);
    }

    /// <summary>What died in another shootdown, which the core invalidates for at the same time.</summary>
    internal void AlsoDead(DeadRange dead)
    {
        if (_dead.Count > 0)
        {
            _dead.Add(dead);
        }
    }

    /// <summary>It does so no longer.</summary>
    internal void End() => _dead.Clear();

    private long Switch()
    {
        Counters[TagPairCounters.Switches]++;
        return Kernel.TableSwitchCycles;
    }

    private int Drop(Asid tag, InvalidationScope scope) =>
        scope.IsWholeSpace ? _context.Mmu.InvalidateHalf(tag) : _context.Mmu.InvalidateHalf(tag, scope.Range);

    /// <returns>Entries that will go, and would not without it.</returns>
    private int OweAll(Asid user)
    {
        OwedFlush owed = Owe(user);
        bool isNews = !owed.IsWhole;
        owed.IsWhole = true;
        return isNews ? _context.Mmu.CountHeld(user, null) : 0;
    }

    /// <summary>
    /// One range is remembered. What is added behind its beginning makes it longer, up to the kernel's ceiling; anything else makes the
    /// whole half go (flush_user_tlb_deferred in N. Amit's patch "x86/mm/tlb: Defer PTI flushes").
    /// </summary>
    /// <returns>Entries of the range that will go, and would not without it.</returns>
    private int OweRange(Asid user, DeadRange range)
    {
        bool isFirst = !_owed.ContainsKey(user.Value);
        OwedFlush owed = Owe(user);
        bool isNews = !owed.IsWhole;
        if (isFirst)
        {
            owed.Range = range;
        }
        else if (!owed.IsWhole)
        {
            DeadRange before = owed.Range;
            bool follows = range.Start >= before.Start && range.Stride == before.Stride;
            if (follows && range.End > before.End)
            {
                ulong pages = (range.End.Value - before.Start.Value) >> (int)range.Stride;
                owed.IsWhole = pages >= (ulong)Kernel.FlushCeilingPages;
                owed.Range = owed.IsWhole ? before : new DeadRange(before.Start, pages, range.Stride);
            }
            else
            {
                owed.IsWhole = !follows;
            }
        }

        return isNews ? _context.Mmu.CountHeld(user, range) : 0;
    }

    /// <summary>
    /// What a half owes, for the shootdown at hand too. What it owes because its space was loaded is nobody's: it would go without one.
    /// </summary>
    private OwedFlush Owe(Asid user)
    {
        bool isNew = false;
        if (!_owed.TryGetValue(user.Value, out OwedFlush? owed))
        {
            _owed.Add(user.Value, owed = new OwedFlush());
            isNew = true;
        }

        if (_dead.Count == 0)
        {
            owed.Dead.Clear();
        }
        else if (isNew || owed.Dead.Count > 0)
        {
            (owed.Space, owed.Shootdown) = (_space, _shootdown);
            owed.Dead.AddRange(_dead);
        }

        return owed;
    }

    /// <summary>What the user's half of a pair loses at the return to user mode.</summary>
    private sealed class OwedFlush
    {
        /// <summary>Whether all of it goes.</summary>
        public bool IsWhole { get; set; }

        /// <summary>The pages that go, if not all do.</summary>
        public DeadRange Range { get; set; }

        /// <summary>The space, if it is for a shootdown.</summary>
        public SpaceId Space { get; set; }

        /// <summary>The newest shootdown that it is for.</summary>
        public long Shootdown { get; set; }

        /// <summary>What died in all shootdowns that it is for; empty if it would go without one.</summary>
        public List<DeadRange> Dead { get; } = [];
    }
}
