using System.Runtime.CompilerServices;
using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Checking;

/// <summary>
/// Watches one core: every access is compared with what its address space's page table says or said. What was found good is not looked up
/// again until the page, or one of few that share its version, dies.
/// </summary>
internal sealed partial class CoreChecker(TranslationChecker checker, ICheckedCore core)
{
    private const int Slots = 2048;
    private const int KindBits = 3;
    private const long AllKinds = (1 << KindBits) - 1;
    private readonly Verified[] _verified = new Verified[Slots];
    private SpaceChecker? _watched;
    private int _space = -1;

    public ICheckedCore Watched => core;

    /// <summary>A walk has put the translation of a page into the core's TLB.</summary>
    /// <param name="time">When the access that walked began, in cycles.</param>
    /// <param name="space">The address space.</param>
    /// <param name="address">An address in the page.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void OnWalk(long time, int space, ulong address)
    {
        ulong page = address >> PageSizes.BaseShift;
        ref Verified verified = ref Slot(page);
        ulong key = KeyOf(page, space);
        verified = new Verified(key, verified.Key == key ? verified.State : 0, time);
    }

    /// <summary>The core accesses a page, and its TLB has the translation.</summary>
    /// <param name="time">When the access began, of a run of references the last one, in cycles.</param>
    /// <param name="space">The address space.</param>
    /// <param name="tag">Its tag on this core.</param>
    /// <param name="kind">What the access does.</param>
    /// <param name="address">An address in the page.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void OnAccess(long time, int space, Asid tag, AccessKind kind, ulong address)
    {
        if (space != _space)
        {
            _space = space;
            _watched = checker.Space(space);
        }

        ulong page = address >> PageSizes.BaseShift;
        ref Verified verified = ref Slot(page);
        ulong key = KeyOf(page, space);
        long bit = 1L << (int)kind;
        if (verified.Key != key || ((verified.State ^ (_watched!.VersionOf(page) << KindBits)) & ~(AllKinds ^ bit)) != bit)
        {
            Look(time, tag, kind, address, key, ref verified);
        }
    }

    /// <summary>
    /// The kernel accesses a page for user mode, under a tag of its own. What was found good for user mode says nothing of what it has
    /// there, so that each access is looked up.
    /// </summary>
    /// <param name="time">When the access began, in cycles.</param>
    /// <param name="space">The address space.</param>
    /// <param name="tag">The kernel's tag of it on this core.</param>
    /// <param name="kind">What the access does.</param>
    /// <param name="address">An address in the page.</param>
    public void OnKernelAccess(long time, int space, Asid tag, AccessKind kind, ulong address)
    {
        _space = space;
        _watched = checker.Space(space);
        Verified none = default;
        Look(time, tag, kind, address, KeyOf(address >> PageSizes.BaseShift, space), ref none);
    }

    /// <summary>When the core put a translation of a page into its TLB, in cycles; -1 if that is not known any more.</summary>
    public long FilledAt(int space, ulong page) =>
        Slot(page) is { FilledAt: > 0 } slot && slot.Key == KeyOf(page, space) ? slot.FilledAt : -1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref Verified Slot(ulong page) => ref _verified[(page ^ (page >> 11)) & (Slots - 1)];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong KeyOf(ulong page, int space) => (page << 18) | (uint)space;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Look(long time, Asid tag, AccessKind kind, ulong address, ulong key, ref Verified verified)
    {
        ulong page = address >> PageSizes.BaseShift;
        PageFlags needed = kind switch
        {
            AccessKind.Fetch => PageFlags.Execute,
            AccessKind.Load => PageFlags.Read,
            _ => PageFlags.Write,
        };
        if (!core.Mmu.PeekUsed(kind, tag, address, out ulong frame, out PageSize size))
        {
            return;
        }

        if (_watched!.Releases.Host is { } host && !host.ToGuest(time, core.Core, page, ref frame))
        {
            return;
        }

        _watched.Releases.NoteUse(frame, page, size, core.Core);
        long filledAt = verified.Key == key ? verified.FilledAt : 0;
        long state = _watched.VersionOf(page) << KindBits;
        long known = verified.Key == key && (verified.State & ~AllKinds) == state ? verified.State & AllKinds : 0;
        bool good = _watched.Verify(time, core.Core, page, frame, needed);
        verified = new Verified(key, good ? state | known | (1L << (int)kind) : 0, filledAt);
        if (checker.Watch is { } watch)
        {
            // Nothing is taken as good before, so that every access comes here.
            verified = verified with { State = 0 };
            watch.Accessed(time, core.Core, _watched.Id, kind, page, frame, filledAt > 0 ? filledAt : -1);
        }
    }

    /// <summary>
    /// A page of a space, the version at which accesses of some kinds (the lowest bits) were found good, and when a walk last filled it.
    /// The time is 0 if it is not known.
    /// </summary>
    private readonly record struct Verified(ulong Key, long State, long FilledAt);
}
