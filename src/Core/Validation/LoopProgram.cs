using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Programs;
using VmSim.Core.Scenarios;
using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Core.Validation;

/// <summary>What a <see cref="LoopProgram"/> writes its operations with.</summary>
/// <param name="Script">The thread's system calls.</param>
/// <param name="Pages">Pages of an operation.</param>
/// <param name="LibraryWrites">Pages of the C library that a process with these threads writes in a fork.</param>
internal sealed record LoopContext(ThreadScript Script, ulong Pages, int LibraryWrites);

/// <summary>
/// One operation in a loop, with or without something on the other processor. An operation has phases, and each is timed. Figures are
/// averages over the operations behind the first ones, which is what differences of two lengths of the loop give.
/// </summary>
/// <param name="name">Its name.</param>
/// <param name="family">The programs that it is judged together with.</param>
/// <param name="phases">The phases' names.</param>
internal sealed class LoopProgram(string name, string family, params IReadOnlyList<string> phases)
    : MeasuredProgram(name, family, Beside.All)
{
    /// <summary>Nanoseconds that reading the clock takes after a phase; measured as a phase that does nothing.</summary>
    private const double ClockNanoseconds = 28;

    /// <summary>Threads under SCHED_FIFO, as those measured, have no time slices.</summary>
    private const long NoTimeSlice = 1_000_000_000_000;

    /// <inheritdoc/>
    public override long MostSize => MostPages;

    /// <summary>Most pages of an operation.</summary>
    public long MostPages { get; init; } = 8_192;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Figures => [Interrupts, Faults, Whole, .. phases.Where(phase => phase != Unnamed)];

    /// <summary>Gives the operations before the loop.</summary>
    public Func<LoopContext, IEnumerable<ulong>> Prepare { get; init; } = _ => [];

    /// <summary>Gives the operations of each phase of an operation, by the operation's number.</summary>
    public required Func<LoopContext, Func<int, IReadOnlyList<IEnumerable<ulong>>>> Loop { get; init; }

    /// <summary>Operations before the first that is measured.</summary>
    public int FirstMeasured { get; init; } = 8;

    /// <summary>Operations in all.</summary>
    public int Operations { get; init; } = 24;

    /// <summary>Whether each operation forks a child, which does nothing and ends.</summary>
    public bool Forks { get; init; }

    /// <summary>The phase whose faults are counted; null for all.</summary>
    public string? FaultPhase { get; init; }

    /// <summary>Operations that one measured loop of this program has; times are for one of them.</summary>
    public int Repeats { get; init; } = 1;

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Run(ScenarioSpec machine, MeasuredCase measured)
    {
        ArgumentNullException.ThrowIfNull(machine);
        Probe probe = new(core: 0);
        ProgramImage image = Image(machine, measured, probe);
        ScenarioSpec scenario = machine with
        {
            Kernel = machine.Kernel with { TimeSliceCycles = NoTimeSlice },
            Processes =
            [
                new ProcessSpec { Name = Name, Program = _ => image },
                .. Beside.Processes(measured.Beside, probe),
            ],
        };
        using World world = new(scenario);
        probe.World = world;
        new SequentialEngine(world).Run();
        return Results(probe, machine.Machine.Ghz);
    }

    private ProgramImage Image(ScenarioSpec machine, MeasuredCase measured, Probe probe)
    {
        ThreadScript script = new();
        bool hasThreads = Beside.IsThread(measured.Beside);
        LoopContext context = new(script, (ulong)measured.Size, hasThreads ? ProgramMemory.LibraryWritesWithThreads : 1);
        ulong[] prepare = [.. ProgramMemory.Tables(), .. Prepare(context)];
        Func<int, IReadOnlyList<IEnumerable<ulong>>> loop = Loop(context);
        ulong clock = ThreadScript.Control(ControlKind.Compute, (long)(ClockNanoseconds * machine.Machine.Ghz));
        ulong[][] stretches =
        [
            prepare,
            .. Enumerable.Range(0, Operations)
                .SelectMany(operation => loop(operation))
                .Select(phase => (ulong[])[.. phase, clock]),
        ];
        ThreadProgram measuredThread = script.Thread("A", () => probe.Open([.. stretches, [ThreadScript.Control(ControlKind.Signal)]])) with
        {
            Core = new CoreId(0),
        };
        return new ProgramImage
        {
            Name = Name,
            Files = [MeasuredPrograms.File],
            InitialMappings = ProgramMemory.Initial(context.Pages),
            InitialBreak = new VirtAddr(ProgramMemory.Break),
            Threads = [measuredThread, .. Beside.Threads(measured.Beside, probe, context.Pages)],
            Children = Forks ? [.. Enumerable.Range(0, Operations).Select(Child)] : [],
            EventCount = 1,
        };
    }

    private static ProgramImage Child(int number) => new()
    {
        Name = $"child{number}",
        Threads = [new ThreadScript().Thread("child", () => Enumerable.Empty<ulong>()) with { Core = new CoreId(0) }],
    };

    private Dictionary<string, double> Results(Probe probe, double ghz)
    {
        IReadOnlyList<Mark> marks = probe.Marks;
        Mark first = At(FirstMeasured);
        Mark last = At(Operations);
        double operations = (Operations - FirstMeasured) * Repeats;
        Dictionary<string, double> results = new(StringComparer.Ordinal)
        {
            [Interrupts] = (last.Interrupts - first.Interrupts) / operations,
            [Faults] = (FaultPhase is null ? last.Faults - first.Faults : 0) / operations,
            [Whole] = (last.Time - first.Time).Value / (operations * ghz),
        };
        for (int phase = 0; phase < phases.Count; phase++)
        {
            long cycles = 0;
            long faults = 0;
            for (int operation = FirstMeasured; operation < Operations; operation++)
            {
                int begins = 1 + (operation * phases.Count) + phase;
                cycles += (marks[begins + 1].Time - marks[begins].Time).Value;
                faults += marks[begins + 1].Faults - marks[begins].Faults;
            }

            results[phases[phase]] = cycles / (operations * ghz);
            results[Faults] += phases[phase] == FaultPhase ? faults / operations : 0;
        }

        return results;

        Mark At(int operation) => marks[1 + (operation * phases.Count)];
    }
}
