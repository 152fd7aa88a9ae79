using System.Diagnostics;

namespace VmSim.Core.Mmu;

/// <content>What holds between the parts of a set, asserted in Debug builds after each change.</content>
internal sealed unsafe partial class Tlb
{
    /// <summary>Asserts of one set: an empty way has no digest, no key stands in it twice, and its order names every way once.</summary>
    [Conditional("DEBUG")]
    private void AssertSet(nuint set)
    {
        byte* head = _heads + (set * (nuint)_headBytes);
        ulong seen = 0;
        ulong order = _policy == Policy.Order ? *(ulong*)(_orders + (set * (nuint)_orderBytes)) : 0;
        Link* links = _policy == Policy.List ? (Link*)(_orders + (set * (nuint)_orderBytes)) : null;
        int place = _ways;
        for (int way = 0; way < _ways; way++)
        {
            Entry* entry = _entries + (set * (nuint)_ways) + (nuint)way;
            uint digest = ((uint*)head)[way];
            Debug.Assert(entry->Rest != 0 || digest == 0, "an empty way has a digest");
            Debug.Assert(entry->Rest == 0 || WayOf(KeyAt((int)(set * (nuint)_ways) + way), set) == way, "a key stands in two ways");
            if (_policy == Policy.Order)
            {
                seen |= 1UL << (int)((order >> (4 * way)) & 15);
            }
            else if (links is not null)
            {
                int next = links[place].Older;
                Debug.Assert(next < _ways && links[next].Newer == place, "the list of a set is torn");
                place = next;
            }
        }

        Debug.Assert(
            _policy != Policy.Order || seen == (_ways == 64 ? ulong.MaxValue : (1UL << _ways) - 1), "the order of a set names a way twice");
        Debug.Assert(links is null || links[place].Older == _ways, "the list of a set has too many ways");
    }

    /// <summary>Asserts of the whole array: every set, and how many ways are occupied.</summary>
    [Conditional("DEBUG")]
    private void AssertConsistent()
    {
        int live = 0;
        for (int entry = 0; entry < Entries; entry++)
        {
            live += _entries[entry].Rest != 0 ? 1 : 0;
        }

        Debug.Assert(live == _live, "the number of occupied ways is not what was counted");
        for (nuint set = 0; set < _sets; set++)
        {
            AssertSet(set);
        }
    }
}
