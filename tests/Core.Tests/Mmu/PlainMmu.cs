using VmSim.Core.Addresses;
using VmSim.Core.Mmu;

namespace VmSim.Core.Tests.Mmu;

/// <summary>
/// The arrays of an MMU in plain code, each a <see cref="ScalarTlb"/>, put together from the rules of <see cref="MmuSpec"/> alone: which
/// array a page of a size stands in, and what is filled when. Pages are mapped, accessed and dirty, and allow everything.
/// </summary>
internal sealed class PlainMmu
{
    private readonly Dictionary<(bool Fetch, int Size), ScalarTlb?> _first = [];
    private readonly Dictionary<(bool Fetch, int Size), ScalarTlb?> _second = [];

    public PlainMmu(MmuSpec spec)
    {
        SetFirst(fetch: false, spec.JoinedFirst, spec.Data4K, spec.DataLarge, spec.DataHuge);
        SetFirst(fetch: true, spec.JoinedFirst, spec.Instruction4K, spec.InstructionLarge, spec.InstructionHuge);
        ScalarTlb? small = Array(spec.Second);
        ScalarTlb? large = Array(spec.SecondLarge) ?? small;
        ScalarTlb? huge = Array(spec.SecondHuge) ?? large;
        ScalarTlb? fetches = Array(spec.SecondInstruction);
        for (int size = 0; size < 3; size++)
        {
            _second[(false, size)] = size == 0 ? small : size == 1 ? large : huge;
            _second[(true, size)] = fetches ?? _second[(false, size)];
        }
    }

    /// <summary>An access to a page, given by its number at its own size: 0 for 4 KiB, 1 for 2 MiB, 2 for 1 GiB.</summary>
    public TranslationOutcome Access(AccessKind kind, ulong page, int size)
    {
        ulong key = (page << 19) | ((ulong)size << 1) | 1;
        ScalarTlb? first = _first[(kind == AccessKind.Fetch, size)];
        ScalarTlb? second = _second[(kind == AccessKind.Fetch, size)];
        if (first?.Find(key, page) is not null)
        {
            return TranslationOutcome.L1Hit;
        }

        bool isCached = second?.Find(key, page) is not null;
        if (!isCached)
        {
            second?.Fill(key, page, 1);
        }

        first?.Fill(key, page, 1);
        return isCached ? TranslationOutcome.StlbHit : TranslationOutcome.Walked;
    }

    private void SetFirst(bool fetch, bool isJoined, TlbSpec spec4K, TlbSpec specLarge, TlbSpec specHuge)
    {
        ScalarTlb? small = Array(spec4K);
        ScalarTlb? large = isJoined ? small : Array(specLarge);
        ScalarTlb? huge = isJoined ? small : Array(specHuge) ?? large;
        _first[(fetch, 0)] = small;
        _first[(fetch, 1)] = large;
        _first[(fetch, 2)] = huge;
    }

    private static ScalarTlb? Array(TlbSpec spec) => spec.Entries == 0 ? null : new ScalarTlb(spec, 0);
}
