using VmSim.Core.Addresses;
using VmSim.Core.Paging;
using VmSim.Core.State;

namespace VmSim.Core.Mmu;

/// <content>Whether a translation that is dropped is live, by the page tables as they are.</content>
public sealed partial class LostTranslations
{
    /// <summary>The host's table of a virtual machine; null outside of one.</summary>
    private PageTable? _host;

    /// <summary>Reads the table; made when the first dead range is looked at.</summary>
    [NotSaved]
    private LeafReader? _leaves;
    [NotSaved]
    private bool _leavesBegun;

    private bool MayBeDead(VirtAddr address)
    {
        if (Dead.Contains(address))
        {
            return true;
        }

        foreach (DeadRange dead in _alsoDead)
        {
            if (dead.Contains(address))
            {
                return true;
            }
        }

        return false;
    }

    private bool IsLive(ulong key, ulong data)
    {
        if (_host is { } host)
        {
            return CoreMmu.LookupNested(_table!, host, CoreMmu.AddressOf(key), CoreMmu.LevelOf(key), _time, out ulong both)
                && CoreMmu.Covers(both, data);
        }

        if (!_leavesBegun)
        {
            (_leaves ??= new LeafReader()).Begin(_table!, _time);
            _leavesBegun = true;
        }

        return _leaves!.TryRead(CoreMmu.AddressOf(key), CoreMmu.LevelOf(key), out ulong now) && CoreMmu.Covers(now, data);
    }
}
