namespace VmSim.Core.Mmu;

/// <content>Fills that tell what they displaced.</content>
internal sealed unsafe partial class Tlb
{
    private ulong[] _before = [];

    /// <summary>As <see cref="Fill"/>, and tells which key stood where the new one stands; 0 for none.</summary>
    public ulong FillTelling(ulong key, ulong page, ulong data)
    {
        if (_before.Length == 0)
        {
            _before = new ulong[_ways];
        }

        nuint set = SetOf(page);
        int first = (int)set * _ways;
        for (int way = 0; way < _ways; way++)
        {
            _before[way] = _entries[first + way].Rest == 0 ? 0 : KeyAt(first + way);
        }

        Fill(key, page, data);
        return _before[WayOf(key, set)];
    }
}
