using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Programs;
using VmSim.Core.Scenarios;
using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Core.Validation;

/// <summary>What a <see cref="RateProgram"/> writes one task's loop with.</summary>
/// <param name="Script">The task's system calls.</param>
/// <param name="Task">The task's number among those that share its memory.</param>
internal sealed record RateContext(ThreadScript Script, int Task);

/// <summary>
/// A loop that threads of one process, or processes, run at the same time, each on a processor of its own, as in will-it-scale. The figure
/// is how often all of them together go round in a second.
/// </summary>
/// <param name="name">Its name.</param>
/// <param name="operations">Operations of one round.</param>
/// <param name="pages">Pages of the region that each task maps below the arena; 0 for none.</param>
/// <param name="round">Gives the operations of a round.</param>
internal sealed class RateProgram(string name, int operations, ulong pages, Func<RateContext, IEnumerable<ulong>> round)
    : MeasuredProgram(name, "scaling", [Threads, Processes])
{
    private const string Threads = "threads";
    private const string Processes = "processes";

    /// <summary>Rounds before the first that is measured.</summary>
    private const int FirstMeasured = 4;

    /// <summary>Rounds that each task makes at least; all go on until the last has made them.</summary>
    private const int Rounds = 100;

    private const long NoTimeSlice = 1_000_000_000_000;

    /// <summary>Gives the operations before the loop, besides touches of a task's own pages.</summary>
    public Func<RateContext, IEnumerable<ulong>> First { get; init; } = _ => [];

    /// <summary>Time before which no round is measured, for what a kernel comes to only after a while; the default is none.</summary>
    public double SettleNanoseconds { get; init; }

    /// <inheritdoc/>
    public override long MostSize => 128;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Figures => [Rate];

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Run(ScenarioSpec machine, MeasuredCase measured)
    {
        ArgumentNullException.ThrowIfNull(machine);
        int tasks = (int)measured.Size;
        long settled = (long)(SettleNanoseconds * machine.Machine.Ghz);
        Probe[] probes = [.. Enumerable.Range(0, tasks).Select(core => new Probe(core))];
        ScenarioSpec scenario = machine with
        {
            Machine = machine.Machine with { Cores = Math.Max(machine.Machine.Cores, tasks) },
            Kernel = machine.Kernel with { TimeSliceCycles = NoTimeSlice },
            Memory = machine.Memory with { Shared = true },
            Processes = measured.Beside == Threads
                ? [Process("tasks", [.. Enumerable.Range(0, tasks).Select(task => Task(probes, task, task, settled))])]
                : [.. Enumerable.Range(0, tasks).Select(task => Process($"task{task}", [Task(probes, task, place: 0, settled)]))],
        };
        using World world = new(scenario);
        foreach (Probe probe in probes)
        {
            probe.World = world;
        }

        new SequentialEngine(world).Run();
        double perCycle = probes.Sum(probe => RoundsPerCycle(probe, settled));
        return new Dictionary<string, double>(StringComparer.Ordinal) { [Rate] = perCycle * operations * machine.Machine.Ghz * 1e9 };
    }

    private static double RoundsPerCycle(Probe probe, long settled)
    {
        // The first mark is that of the stretch before the loop.
        int from = 1 + FirstMeasured;
        while (probe.Marks[from].Time.Value < settled)
        {
            from++;
        }

        return (probe.Marks.Count - 1 - from) / (double)(probe.Marks[^1].Time - probe.Marks[from].Time).Value;
    }

    private static bool HasEnough(Probe probe, long settled) =>
        probe.Marks.Count >= Rounds && probe.Marks[probe.Marks.Count - Rounds + 1 + FirstMeasured].Time.Value >= settled;

    private ThreadProgram Task(Probe[] probes, int task, int place, long settled)
    {
        ThreadScript script = new();
        ulong[] operationsOfRound = [.. round(new RateContext(script, place))];
        ulong[] first = [.. ProgramMemory.Touch(RatePrograms.Own(place), RatePrograms.OwnPages), .. First(new RateContext(script, place))];
        return script.Thread($"task{task}", () => probes[task].Open(Stretches())) with { Core = new CoreId(task) };

        IEnumerable<ulong[]> Stretches()
        {
            yield return first;
            while (probes.Any(probe => !HasEnough(probe, settled)))
            {
                yield return operationsOfRound;
            }
        }
    }

    private ProcessSpec Process(string name, IReadOnlyList<ThreadProgram> threads)
    {
        ProgramImage image = new()
        {
            Name = name,
            Files = [.. Enumerable.Range(0, threads.Count).Select(task => new ProgramFile($"{name}.{task}", RatePrograms.FileBytes))],
            InitialMappings = ProgramMemory.Initial((ulong)threads.Count * pages),
            Threads = threads,
        };
        return new ProcessSpec { Name = name, Program = _ => image };
    }
}
