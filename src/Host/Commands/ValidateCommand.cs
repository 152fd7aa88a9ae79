using System.CommandLine;
using VmSim.Actors.Configuration;
using VmSim.Core.Scenarios;
using VmSim.Core.Validation;
using VmSim.Host.Files;
using VmSim.Host.Reporting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim validate</c>: compares the simulator with what was measured on a real machine.</summary>
internal static class ValidateCommand
{
    private const string Shipped = "config/validation";

    /// <summary>One case in so many is run in the short form.</summary>
    private const int ShortStep = 8;

    public static Command Create(TextWriter output, TextWriter error)
    {
        Option<string?> machine = new("--machine")
        {
            Description = "Settings of the machine that was measured. The figures stand beside it in a table of the same name, .csv, the "
                + "bounds, if there are any, in one that ends in -bounds.csv, and ranges of recorded programs in one that ends in "
                + $"-ranges.csv. Without it, all machines of {Shipped} are compared.",
            HelpName = "MACHINE.conf",
        };
        Option<string[]> set = new("--set")
        {
            Description = "Change a setting: --set kernel.ack-cycles=600. May be repeated.",
            HelpName = "key=value",
        };
        Option<bool> isShort = new("--short")
        {
            Description = $"Run one program in {ShortStep}. The bounds are those of all programs and are not judged.",
        };
        Option<string?> page = new("--output", "-o")
        {
            Description = "Markdown file to write, with every figure; stdout has a summary.",
            HelpName = "PAGE.md",
        };
        Option<string?> picture = new("--picture")
        {
            Description = "SVG file to write: every time, simulated over measured.",
            HelpName = "PICTURE.svg",
        };
        Option<int> threads = NumberOption.Create(
            "--threads",
            "Programs that run at a time; 0, the default, is one per processor. Never changes results.",
            0,
            4096,
            fallback: 0,
            "0 for one per processor");
        Command command = new("validate", "Compares times, interrupts and faults with those measured on a real machine.")
        {
            machine,
            set,
            isShort,
            page,
            picture,
            threads,
        };
        set.CompletionSources.Add(Suggestions.Settings);
        command.SetAction((parsed, cancellation) => Task.Run(
            () => new Validation(
                parsed.GetValue(machine) is { } own ? [ConfigFiles.Locate(own)] : AllMachines(),
                parsed.GetValue(set) ?? [],
                parsed.GetValue(isShort) ? ShortStep : 1,
                parsed.GetValue(threads)).Run(parsed.GetValue(page), parsed.GetValue(picture), output, error, cancellation),
            CancellationToken.None));
        return command;
    }

    /// <summary>The machines that ship, the one with most figures first.</summary>
    private static string[] AllMachines() =>
    [
        .. Directory.GetFiles(ConfigFiles.Locate(Shipped), "*.conf")
            .OrderByDescending(file => new FileInfo(Path.ChangeExtension(file, ".csv")) is { Exists: true } table ? table.Length : 0)
            .ThenBy(file => file, StringComparer.Ordinal),
    ];

    /// <summary>What was measured on one machine.</summary>
    private sealed class MeasuredMachine
    {
        public MeasuredMachine(string file, IReadOnlyList<string> settings, int step)
        {
            Name = Path.GetFileNameWithoutExtension(file);
            Figures = Path.ChangeExtension(file, ".csv");
            string own = Path.ChangeExtension(file, null);
            BoundsFile = $"{own}-bounds.csv";
            RangesFile = $"{own}-ranges.csv";
            Machine = ScenarioLoader.LoadMachine(file, settings);
            bool hasRanges = File.Exists(RangesFile);
            if (!hasRanges || File.Exists(Figures))
            {
                Cases = FigureComparison.Cases(
                    Table(Figures, FigureTable.Read, $"{Figures}: there is no such file; the figures measured on {file} are needed there"));
                Cases = [.. Cases.Where((_, index) => index % step == 0)];
            }

            if (hasRanges)
            {
                Programs = [.. Table(RangesFile, RangeTable.Read, "").GroupBy(range => range.Program).Where((_, index) => index % step == 0)
                    .Select(ranges => new Recorded(Path.Combine(own, $"{ranges.Key}.vmt.gz"), [.. ranges]))];
            }

            Inputs = [file, Figures, BoundsFile, RangesFile, .. Programs.Select(program => program.Trace)];
            Bounds = File.Exists(BoundsFile) && step == 1 ? Table(BoundsFile, ErrorBound.Read, "") : [];
        }

        public string Name { get; }

        public IReadOnlyList<string> Inputs { get; }

        public ScenarioSpec Machine { get; }

        public IReadOnlyList<IReadOnlyList<MeasuredFigure>> Cases { get; } = [];

        /// <summary>Programs that were recorded.</summary>
        public IReadOnlyList<Recorded> Programs { get; } = [];

        public IReadOnlyList<ErrorBound> Bounds { get; }

        private string Figures { get; }

        private string BoundsFile { get; }

        private string RangesFile { get; }

        private static T Table<T>(string file, Func<TextReader, string, T> read, string missing)
        {
            if (!File.Exists(file))
            {
                throw new FileNotFoundException(missing);
            }

            using StreamReader reader = new(file);
            return read(reader, file);
        }
    }

    /// <summary>A program that was recorded, and what other runs of it counted.</summary>
    private sealed record Recorded(string Trace, IReadOnlyList<MeasuredRange> Ranges)
    {
        public IReadOnlyList<ComparedRange> Run(ScenarioSpec machine) => RecordedProgram.Run(
            machine with { Name = Ranges[0].Program, Processes = ScenarioLoader.Load(Trace, []).Processes }, Ranges);
    }

    /// <summary>What was found on one machine.</summary>
    private sealed record Found(IReadOnlyList<ComparedFigure> Figures, IReadOnlyList<ComparedRange> Ranges);

    /// <summary>One comparison with measured machines.</summary>
    private sealed record Validation(IReadOnlyList<string> Machines, IReadOnlyList<string> Settings, int Step, int Threads)
    {
        public int Run(string? page, string? picture, TextWriter output, TextWriter error, CancellationToken cancellation)
        {
            MeasuredMachine[] machines = [.. Machines.Select(machine => new MeasuredMachine(machine, Settings, Step))];
            // What cannot be written is found out before the work, not after it.
            string[] inputs = [.. machines.SelectMany(machine => machine.Inputs)];
            using OutputFile? pageFile = page is null ? null : new OutputFile(page, "-o", inputs);
            using OutputFile? pictureFile = picture is null ? null : new OutputFile(picture, "--picture", inputs);
            Found[]? compared = Compare(machines, error, cancellation);
            if (compared is null)
            {
                error.WriteLine("vmsim: stopped; there is no result");
                return ExitCodes.Broken;
            }

            MachineComparison[] results = [.. machines.Zip(compared).Select(pair => MachineComparison.Of(
                pair.First.Name, pair.First.Machine, pair.Second.Figures, pair.First.Bounds, pair.Second.Ranges))];
            foreach (MachineComparison result in results)
            {
                ValidationPage.WriteSummary(output, result);
            }

            Write(pageFile, writer => ValidationPage.Write(writer, results));
            Write(pictureFile, writer => ValidationPicture.Write(writer, [.. results.SelectMany(result => result.Figures)]));

            string[] broken = [.. results.SelectMany(result => result.Broken)];
            foreach (string sentence in broken)
            {
                error.WriteLine($"vmsim: bound broken: {sentence}");
            }

            return broken.Length == 0 ? ExitCodes.Ok : ExitCodes.Broken;
        }

        private Found[]? Compare(MeasuredMachine[] machines, TextWriter error, CancellationToken cancellation)
        {
            IReadOnlyList<ComparedFigure>[][] figures =
                [.. machines.Select(machine => new IReadOnlyList<ComparedFigure>[machine.Cases.Count])];
            IReadOnlyList<ComparedRange>[][] ranges =
                [.. machines.Select(machine => new IReadOnlyList<ComparedRange>[machine.Programs.Count])];
            List<Action> runs = [];
            for (int i = 0; i < machines.Length; i++)
            {
                (MeasuredMachine machine, IReadOnlyList<ComparedFigure>[] own, IReadOnlyList<ComparedRange>[] ofPrograms) =
                    (machines[i], figures[i], ranges[i]);
                runs.AddRange(machine.Cases.Select((each, at) =>
                    (Action)(() => own[at] = FigureComparison.Run(machine.Machine, each))));
                runs.AddRange(machine.Programs.Select((each, at) => (Action)(() => ofPrograms[at] = each.Run(machine.Machine))));
            }

            return RunAll(runs, error, cancellation)
                ? [.. figures.Zip(ranges).Select(found => new Found(
                    [.. found.First.SelectMany(each => each)], [.. found.Second.SelectMany(each => each)]))]
                : null;
        }

        private bool RunAll(List<Action> runs, TextWriter error, CancellationToken cancellation)
        {
            using StatusLine line = new(error);
            Lock gate = new();
            int done = 0;
            ParallelOptions options = new() { MaxDegreeOfParallelism = Threads == 0 ? Environment.ProcessorCount : Threads };
            ParallelLoopResult loop = Parallel.For(0, runs.Count, options, (index, state) =>
            {
                if (cancellation.IsCancellationRequested)
                {
                    state.Stop();
                    return;
                }

                runs[index]();
                lock (gate)
                {
                    line.Show($"{++done} of {runs.Count} programs");
                }
            });
            return loop.IsCompleted;
        }

        private static void Write(OutputFile? file, Action<TextWriter> write)
        {
            if (file is null)
            {
                return;
            }

            using (StreamWriter writer = new(file.Stream, leaveOpen: true))
            {
                write(writer);
            }

            file.Complete();
        }
    }
}
