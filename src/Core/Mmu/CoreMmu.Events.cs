using System.Runtime.CompilerServices;
using VmSim.Core.Addresses;

namespace VmSim.Core.Mmu;

/// <content>What comes into the TLBs and what is pushed out, for shootdown protocols that watch it.</content>
public sealed unsafe partial class CoreMmu
{
    private readonly List<(TlbEntry Entry, bool Evicted)> _events = [];
    private bool _tellsFills;
    private bool _tellsEvictions;

    /// <summary>Has the MMU remember fills and evictions from now on. Accesses then go one by one: <see cref="CanRun"/> is false.</summary>
    /// <param name="fills">Whether translations that walks put in are remembered.</param>
    /// <param name="evictions">Whether translations that others push out of the last TLB are.</param>
    public void RememberEvents(bool fills, bool evictions)
    {
        _tellsFills = fills;
        _tellsEvictions = evictions;
        _isPlain = false;
    }

    /// <summary>What has happened since the last call, in order. It stands until the next translation.</summary>
    public IReadOnlyList<(TlbEntry Entry, bool Evicted)> TakeEvents()
    {
        if (_events.Count == 0)
        {
            return [];
        }

        (TlbEntry, bool)[] taken = [.. _events];
        _events.Clear();
        return taken;
    }

    /// <summary>Puts a translation into an array.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Put(Tlb tlb, ulong key, ulong page, ulong data)
    {
        if (_tellsEvictions)
        {
            PutTelling(tlb, key, page, data);
        }
        else
        {
            tlb.Fill(key, page, data);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void PutTelling(Tlb tlb, ulong key, ulong page, ulong data)
    {
        ulong displaced = tlb.FillTelling(key, page, data);
        if (displaced != 0)
        {
            TellEvicted(displaced);
        }
    }

    /// <summary>An entry made room; of a group every page is told of that nothing else holds, whether or not it was there.</summary>
    private void TellEvicted(ulong displaced)
    {
        if (!IsGroup(displaced, _groupShift))
        {
            TellUnlessHeld(displaced);
            return;
        }

        for (ulong index = 0; index <= GroupMask; index++)
        {
            TellUnlessHeld(KeyInGroup(displaced, _groupShift, index));
        }
    }

    private void TellUnlessHeld(ulong key)
    {
        if (!HoldsAnywhere(key))
        {
            _events.Add((EntryOf(key), true));
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void TellFill(ulong key) => _events.Add((EntryOf(key), false));

    private bool HoldsAnywhere(ulong key)
    {
        ulong page = key >> PageShift;
        ulong group = page >> _groupShift;
        bool mayBeInGroup = _groupShift != 0 && LevelOf(key) == 0;
        foreach (Tlb tlb in _arrays)
        {
            if (tlb.Peek(key, page) != null
                || (mayBeInGroup && tlb.GroupShift != 0 && tlb.Peek(GroupKey(group, key & TagMask), group) != null))
            {
                return true;
            }
        }

        return false;
    }

    private static TlbEntry EntryOf(ulong key) =>
        new(new Asid((ushort)((key & TagMask) >> TagShift)), new VirtAddr(AddressOf(key)), SizeOf(LevelOf(key)));
}
