using VmSim.Core.Kernel;

namespace VmSim.Core.Engine;

/// <summary>The cores, groups and threads that one node has simulated.</summary>
/// <param name="World">The world as that node knows it.</param>
/// <param name="Cores">Cores, by rising number.</param>
/// <param name="Groups">Groups, by rising number.</param>
/// <param name="Threads">Threads that are there, by rising number.</param>
public sealed record RunPart(
    World World, IReadOnlyList<CoreModel> Cores, IReadOnlyList<SpaceGroup> Groups, IReadOnlyList<SimThread> Threads)
{
    /// <summary>All of a world.</summary>
    public static RunPart Whole(World world)
    {
        ArgumentNullException.ThrowIfNull(world);
        return new RunPart(world, world.Cores, world.Groups, world.Threads);
    }
}
