using VmSim.Host.Terminal;

namespace VmSim.Host.Hosting;

/// <summary>How many nodes of one run a machine may have as child processes, unless somebody insists.</summary>
internal static class LocalNodeCap
{
    /// <summary>The option that insists.</summary>
    public const string Force = "--force-local-nodes";

    /// <summary>
    /// Nodes for each processor. Nodes of one domain wake each other for every exchange, so that with one for each processor all are at
    /// work already; a few more are for study of placements, which does not depend on the machine. Two hundred on two processors drove a
    /// machine to a load of 377, where nothing else got its turn, the run's own signs of life among it.
    /// </summary>
    private const int PerProcessor = 4;

    /// <summary>The most that are started on a machine of so many processors without the option.</summary>
    public static int Of(int processors) => checked(PerProcessor * Math.Max(1, processors));

    /// <summary>Sees to it that so many nodes are few enough, before any is started.</summary>
    /// <param name="nodes">Nodes that are wanted.</param>
    /// <param name="processors">Processors that this process may use.</param>
    /// <exception cref="ShortageException">They are too many.</exception>
    public static void Require(int nodes, int processors)
    {
        if (nodes > Of(processors))
        {
            throw new ShortageException(
                $"--local-nodes: {nodes} found; {Of(processors)} are allowed with {Quantities.Of(processors, "processor")}, {PerProcessor} "
                + $"for each, since more make the machine stand still; take fewer, or say {Force} if that is meant");
        }
    }
}
