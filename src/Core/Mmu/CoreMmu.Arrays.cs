using System.Runtime.CompilerServices;
using VmSim.Core.Addresses;

namespace VmSim.Core.Mmu;

/// <content>Which array holds pages of which size.</content>
/// <remarks>
/// An array may serve several sizes, and both kinds of access at the second level. It stands once in <c>_arrays</c>, which everything that
/// goes through all of them uses.
/// </remarks>
public sealed unsafe partial class CoreMmu
{
    /// <summary>By size, for loads and stores, then for fetches; null where pages of a size are not cached.</summary>
    private readonly Tlb?[] _firsts = new Tlb?[2 * Classes];

    private readonly Tlb?[] _seconds = new Tlb?[2 * Classes];
    private Tlb[] _arrays = [];
    private string[] _names = [];

    /// <summary>Makes the arrays that the constructor has not made, and says which one holds what.</summary>
    /// <returns>The second level of fetches.</returns>
    private Tlb? SetArrays(MmuSpec spec, ulong seed)
    {
        List<(string Name, Tlb Array)> all = [("instruction-4k", _instruction)];
        Tlb? instruction = _hasInstruction ? _instruction : null;
        Tlb? instructionLarge = _isJoined ? instruction : Own("instruction-large", spec.InstructionLarge, 2);
        Tlb? instructionHuge = (_isJoined ? null : Own("instruction-huge", spec.InstructionHuge, 6)) ?? instructionLarge;
        all.Add(("data-4k", _data));
        Tlb? data = _hasData ? _data : null;
        Tlb? dataLarge = _isJoined ? data : Own("data-large", spec.DataLarge, 3);
        Tlb? dataHuge = (_isJoined ? null : Own("data-huge", spec.DataHuge, 7)) ?? dataLarge;
        if (_second is { } second)
        {
            all.Add(("second", second));
        }

        Tlb? secondLarge = Own("second-large", spec.SecondLarge, 8) ?? _second;
        Tlb? secondHuge = Own("second-huge", spec.SecondHuge, 9) ?? secondLarge;
        Tlb? fetches = Own("second-instruction", spec.SecondInstruction, 10);
        for (int size = 0; size < Sizes; size++)
        {
            _firsts[size] = Holder(size, data, dataLarge, dataHuge);
            _firsts[Classes + size] = Holder(size, instruction, instructionLarge, instructionHuge);
            _seconds[size] = Holder(size, _second, secondLarge, secondHuge);
            _seconds[Classes + size] = fetches is null ? _seconds[size] : Holder(size, fetches, fetches, fetches);
        }

        SetGroups(_firsts, data, instruction);
        SetGroups(_seconds, _second, fetches ?? _second);
        _arrays = [.. all.Select(item => item.Array)];
        _names = [.. all.Select(item => item.Name)];
        return fetches ?? _second;

        Tlb? Own(string name, TlbSpec array, ulong more)
        {
            if (array.Entries == 0)
            {
                return null;
            }

            Tlb made = new(array, seed + more);
            all.Add((name, made));
            return made;
        }

        static Tlb? Holder(int size, Tlb? small, Tlb? large, Tlb? huge) =>
            (size == 0 ? small : size == 1 ? large : huge) is { } array && array.Holds(size) ? array : null;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Tlb? FirstOf(AccessKind kind, int size) => _firsts[(kind == AccessKind.Fetch ? Classes : 0) + size];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Tlb? SecondOf(AccessKind kind, int size) => _seconds[(kind == AccessKind.Fetch ? Classes : 0) + size];

    /// <summary>The arrays that may hold pages of a size, or groups, each once; null where there is none.</summary>
    private Holders HoldersOf(int size)
    {
        Tlb? second = SecondOf(AccessKind.Load, size);
        Tlb? fetches = SecondOf(AccessKind.Fetch, size);
        Holders holders = default;
        holders[0] = FirstOf(AccessKind.Load, size);
        holders[1] = FirstOf(AccessKind.Fetch, size);
        holders[2] = second;
        holders[3] = fetches == second ? null : fetches;
        return holders;
    }

    /// <summary>Puts a page larger than 4 KiB into an array, which may allow its size few ways.</summary>
    private void PutLarge(Tlb tlb, ulong key, ulong page, int size, ulong data)
    {
        ulong displaced = tlb.MakeRoom(page, size);
        Put(tlb, key, page, data);
        if (displaced != 0 && _tellsEvictions)
        {
            TellEvicted(displaced);
        }
    }

    /// <summary>In a joined first level a larger page that was used or put in is newer than the 4 KiB page that is remembered.</summary>
    private void ForgetRecentIfJoined()
    {
        if (_isJoined)
        {
            ForgetRecent();
        }
    }

    [InlineArray(4)]
    private struct Holders
    {
        private Tlb? _first;
    }
}
