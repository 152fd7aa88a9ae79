using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Statistics;

namespace VmSim.Core.Reports;

/// <summary>
/// What a run, or a part of it, has counted so far and who waits there, read between two windows while it goes on. Reading changes nothing
/// that is simulated.
/// </summary>
public sealed class RunGlimpse
{
    /// <summary>Lines about who waits: what a person reads at a glance.</summary>
    public const int WaitsMax = 16;

    private readonly int _machineCores;
    private readonly IntervalSeries _cores = new(CoreIntervals.All.Count);
    private readonly IntervalSeries _spaces = new(SpaceIntervals.All.Count);
    private readonly List<long[]> _interrupts = [];
    private readonly List<string> _waits = [];

    private RunGlimpse(int machineCores) => _machineCores = machineCores;

    /// <summary>Up to when all of it has run; <see cref="Cycles.Never"/> if it is over.</summary>
    public Cycles Reached { get; private set; } = Cycles.Never;

    /// <summary>What was counted in each interval; the last ones may go on.</summary>
    public RunIntervals Intervals => RunIntervals.Of(_cores, _spaces);

    /// <summary>Which cores interrupted which; null if none did.</summary>
    public RunInterrupts? Interrupts => RunInterrupts.Of(_machineCores, _interrupts);

    /// <summary>Who waits for whom, a line each, at most <see cref="WaitsMax"/>; those of memory sets first.</summary>
    public IReadOnlyList<string> Waits => _waits;

    /// <summary>Whether more wait.</summary>
    public bool HasMoreWaits { get; private set; }

    /// <summary>Reads a part that stands between two windows.</summary>
    /// <param name="world">The run's world.</param>
    /// <param name="cores">The cores of the part.</param>
    /// <param name="groups">Its groups of address spaces.</param>
    /// <param name="reached">Up to when it has run; <see cref="Cycles.Never"/> if it is over.</param>
    public static RunGlimpse Of(World world, IReadOnlyList<CoreModel> cores, IReadOnlyList<SpaceGroup> groups, Cycles reached)
    {
        ArgumentNullException.ThrowIfNull(world);
        ArgumentNullException.ThrowIfNull(cores);
        ArgumentNullException.ThrowIfNull(groups);
        RunGlimpse glimpse = new(world.Cores.Count) { Reached = reached };
        foreach (CoreModel core in cores)
        {
            core.AddIntervals(glimpse._cores);
        }

        AddressSpace[] spaces = [.. groups.SelectMany(group => group.Members)];
        long[] interrupts = [];
        foreach (AddressSpace space in spaces)
        {
            space.AddIntervals(glimpse._spaces);
            if (space.Interrupts.Count > 0)
            {
                interrupts = interrupts.Length == 0 ? new long[space.Interrupts.Count] : interrupts;
                for (int i = 0; i < interrupts.Length; i++)
                {
                    interrupts[i] += space.Interrupts[i];
                }
            }
        }

        glimpse._interrupts.Add(interrupts);
        glimpse.Wait(spaces.SelectMany(space => space.DescribeWaits()).Concat(cores.SelectMany(core => core.DescribeWaits())));
        return glimpse;
    }

    /// <summary>What several parts of one run come to.</summary>
    /// <param name="world">The run's world.</param>
    /// <param name="parts">The parts.</param>
    public static RunGlimpse Sum(World world, IEnumerable<RunGlimpse> parts)
    {
        ArgumentNullException.ThrowIfNull(world);
        ArgumentNullException.ThrowIfNull(parts);
        RunGlimpse sum = new(world.Cores.Count);
        foreach (RunGlimpse part in parts)
        {
            sum.Reached = Cycles.Min(sum.Reached, part.Reached);
            sum._cores.Add(part._cores);
            sum._spaces.Add(part._spaces);
            sum._interrupts.AddRange(part._interrupts);
            sum.HasMoreWaits |= part.HasMoreWaits;
            sum.Wait(part._waits);
        }

        return sum;
    }

    private void Wait(IEnumerable<string> lines)
    {
        foreach (string line in lines)
        {
            if (_waits.Count == WaitsMax)
            {
                HasMoreWaits = true;
                return;
            }

            _waits.Add(line);
        }
    }
}
