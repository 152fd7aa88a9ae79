using System.Runtime.CompilerServices;
using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Checking;

/// <summary>
/// Watches one core: every access is compared with what its address space's page table says or said. What was found good is not looked up again until the
/// page, or one of few that share its version, dies.
/// </summary>
internal sealed class CoreChecker(TranslationChecker checker, CoreId core, Mmu.Mmu mmu)
{
    private const int Slots = 2048;
    private const int KindBits = 3;
    private const long AllKinds = (1 << KindBits) - 1;
    private readonly Verified[] _verified = new Verified[Slots];
    private SpaceChecker? _watched;
    private int _space = -1;

    /// <summary>The core accesses a page, and its TLB has the translation.</summary>
    /// <param name="time">Time of the access, of a run of references the last one's, in cycles.</param>
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
        ref Verified verified = ref _verified[(page ^ (page >> 11)) & (Slots - 1)];
        ulong key = (page << 18) | (uint)space;
        long bit = 1L << (int)kind;
        if (verified.Key != key || ((verified.State ^ (_watched!.VersionOf(page) << KindBits)) & ~(AllKinds ^ bit)) != bit)
        {
            Look(time, tag, kind, address, key, ref verified);
        }
    }

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
        if (!mmu.PeekUsed(kind, tag, address, out ulong frame))
        {
            return;
        }

        long state = _watched!.VersionOf(page) << KindBits;
        long known = verified.Key == key && (verified.State & ~AllKinds) == state ? verified.State & AllKinds : 0;
        verified = _watched.Verify(time, core, page, frame, needed) ? new Verified(key, state | known | (1L << (int)kind)) : default;
    }

    /// <summary>A page of a space, and the version at which accesses of some kinds (the lowest bits) were found good.</summary>
    private readonly record struct Verified(ulong Key, long State);
}
