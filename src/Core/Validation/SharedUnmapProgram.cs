using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Scenarios;
using VmSim.Core.Statistics;
using VmSim.Core.Workloads.Synthetic;
using VmSim.Core.Workloads.Synthetic.Behaviours;

namespace VmSim.Core.Validation;

/// <summary>
/// One of so many threads unmaps a page that all have touched (<see cref="MunmapShared"/>): what the call takes, and what the shootdown in
/// it does, on average.
/// </summary>
/// <param name="name">Its name.</param>
internal sealed class SharedUnmapProgram(string name) : MeasuredProgram(name, name, [Validation.Beside.None])
{
    private const string Unmap = "munmap";
    private const string Shootdown = "shootdown";
    private const int Rounds = 40;

    /// <inheritdoc/>
    public override long MostSize => 128;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Figures => [Unmap, Shootdown];

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Run(ScenarioSpec machine, MeasuredCase measured)
    {
        ArgumentNullException.ThrowIfNull(machine);
        int cores = (int)measured.Size;
        MunmapShared program = new() { Threads = cores, Iterations = Rounds, Pages = 1 };
        ScenarioSpec scenario = machine with
        {
            Machine = machine.Machine with { Cores = Math.Max(machine.Machine.Cores, cores) },
            Processes = [new ProcessSpec { Name = Name, Program = _ => program.Build(new ProgramContext(Name, 0, machine.Seed, cores)) }],
        };
        using World world = new(scenario);
        new SequentialEngine(world).Run();
        double ghz = machine.Machine.Ghz;
        return new Dictionary<string, double>(StringComparer.Ordinal)
        {
            [Unmap] = Mean(world.Cores[0].Latencies[LatencyKind.Unmap]) / ghz,
            [Shootdown] = Mean(world.Spaces[0].Latencies[LatencyKind.Shootdown]) / ghz,
        };
    }

    private static double Mean(LatencyHistogram? latencies) => latencies is { Count: > 0 } ? latencies.Sum / (double)latencies.Count : 0;
}
