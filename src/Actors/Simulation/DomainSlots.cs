using VmSim.Core.Engine;
using VmSim.Core.Kernel;

namespace VmSim.Actors.Simulation;

/// <summary>The slots of a domain on its <see cref="DomainSchedule"/>: its cores first, then its groups, each by rising number.</summary>
public sealed class DomainSlots
{
    private readonly int[] _slotOfTarget;

    /// <summary>Numbers the slots of a domain.</summary>
    public DomainSlots(World world, Domain domain)
    {
        ArgumentNullException.ThrowIfNull(world);
        ArgumentNullException.ThrowIfNull(domain);
        Cores = domain.Cores.Count;
        Count = Cores + domain.Groups.Count;
        _slotOfTarget = new int[world.Cores.Count + world.SpaceCount];
        Array.Fill(_slotOfTarget, -1);
        for (int i = 0; i < domain.Cores.Count; i++)
        {
            _slotOfTarget[domain.Cores[i].Core.Value] = i;
        }

        for (int i = 0; i < domain.Groups.Count; i++)
        {
            foreach (AddressSpace space in domain.Groups[i].Members)
            {
                _slotOfTarget[world.Cores.Count + space.Space.Value] = Cores + i;
            }
        }
    }

    /// <summary>Slots of cores; they come first.</summary>
    public int Cores { get; }

    /// <summary>All slots.</summary>
    public int Count { get; }

    /// <summary>The slot of a message's target.</summary>
    public int SlotOf(int target) => _slotOfTarget[target];
}
