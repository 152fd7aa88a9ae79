using VmSim.Core.Engine;
using VmSim.Core.Scenarios;
using VmSim.Host.Terminal;

namespace VmSim.Host.Hosting;

/// <summary>What memory a run will need, told before it starts.</summary>
/// <param name="Bytes">Bytes beyond those that this process has: it has read the traces.</param>
internal readonly record struct RunMemory(long Bytes)
{
    /// <summary>
    /// What the program takes from here on without a world: code that is compiled, actors, a report. Calibrated on quickstart, whose peak
    /// is 107 MiB where 52 MiB are there when this is asked.
    /// </summary>
    private const long ProgramBytes = 55L << 20;

    /// <summary>Tells a run's memory.</summary>
    /// <param name="scenario">What is simulated.</param>
    /// <param name="check">Whether the checker watches, whatever the scenario says.</param>
    /// <param name="processes">Processes on this machine that build the world, each whole.</param>
    public static RunMemory Of(ScenarioSpec scenario, bool check, int processes = 1)
    {
        long one = WorldMemory.Of(scenario, check).Total + ProgramBytes;
        return new RunMemory(one > long.MaxValue / processes ? long.MaxValue : one * processes);
    }

    /// <summary>Bytes with those that this process has already: a process that runs the same begins as this one did.</summary>
    public long InAll => Bytes > long.MaxValue - Environment.WorkingSet ? long.MaxValue : Bytes + Environment.WorkingSet;

    /// <summary>In words, with what this process has already.</summary>
    public override string ToString() => $"about {Quantities.Bytes((double)Bytes + Environment.WorkingSet)}";

    /// <summary>Sees to it that the memory can be had now.</summary>
    /// <param name="instead">What else a person can do than to simulate less.</param>
    /// <exception cref="ShortageException">It cannot.</exception>
    public void Require(string instead)
    {
        Shortage.RequireEnough();
        long free = HostMemory.Available();
        if (Bytes > free)
        {
            throw new ShortageException(
                $"the run needs {this} of memory, {Quantities.Bytes(Bytes)} more than it has, and {Quantities.Bytes(free)} can be had; "
                + $"simulate fewer cores, pages, threads or processes, or {instead}",
                passes: Bytes <= HostMemory.Total);
        }
    }
}
