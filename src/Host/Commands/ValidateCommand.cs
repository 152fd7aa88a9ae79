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
    private const string Shipped = "config/validation/sapphire-rapids-kvm.conf";

    /// <summary>One case in so many is run in the short form.</summary>
    private const int ShortStep = 8;

    public static Command Create(TextWriter output, TextWriter error)
    {
        Option<string> machine = new("--machine")
        {
            Description = "Settings of the machine that was measured. The figures stand beside it in a table of the same name, .csv, and "
                + "the bounds, if there are any, in one that ends in -bounds.csv.",
            HelpName = "MACHINE.conf",
            DefaultValueFactory = _ => Shipped,
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
        command.SetAction((parsed, cancellation) => Task.Run(
            () => new Validation(
                ConfigFiles.Locate(parsed.GetValue(machine)!),
                parsed.GetValue(set) ?? [],
                parsed.GetValue(isShort) ? ShortStep : 1,
                parsed.GetValue(threads)).Run(parsed.GetValue(page), parsed.GetValue(picture), output, error, cancellation),
            CancellationToken.None));
        return command;
    }

    /// <summary>One comparison with a measured machine.</summary>
    private sealed record Validation(string Machine, IReadOnlyList<string> Settings, int Step, int Threads)
    {
        private string Figures => Path.ChangeExtension(Machine, ".csv");

        private string Bounds => $"{Path.ChangeExtension(Machine, null)}-bounds.csv";

        public int Run(string? page, string? picture, TextWriter output, TextWriter error, CancellationToken cancellation)
        {
            ScenarioSpec machine = ScenarioLoader.LoadMachine(Machine, Settings);
            IReadOnlyList<IReadOnlyList<MeasuredFigure>> cases = FigureComparison.Cases(
                Table(Figures, FigureTable.Read, $"{Figures}: there is no such file; the figures measured on {Machine} are needed there"));
            IReadOnlyList<ErrorBound> bounds = File.Exists(Bounds) && Step == 1 ? Table(Bounds, ErrorBound.Read, "") : [];
            cases = [.. cases.Where((_, index) => index % Step == 0)];
            // What cannot be written is found out before the work, not after it.
            string[] inputs = [Machine, Figures, Bounds];
            using OutputFile? pageFile = page is null ? null : new OutputFile(page, "-o", inputs);
            using OutputFile? pictureFile = picture is null ? null : new OutputFile(picture, "--picture", inputs);
            IReadOnlyList<ComparedFigure>? compared = Compare(machine, cases, error, cancellation);
            if (compared is null)
            {
                error.WriteLine("vmsim: stopped; there is no result");
                return ExitCodes.Broken;
            }

            IReadOnlyList<ComparisonSummary> summaries = ComparisonSummary.Of(compared);
            ValidationPage.WriteSummary(output, summaries, bounds);
            Write(pageFile, writer => ValidationPage.Write(writer, compared, summaries, bounds));
            Write(pictureFile, writer => ValidationPicture.Write(writer, compared));

            string[] broken = [.. bounds.Select(bound => bound.BrokenBy(summaries)).OfType<string>()];
            foreach (string sentence in broken)
            {
                error.WriteLine($"vmsim: bound broken: {sentence}");
            }

            return broken.Length == 0 ? ExitCodes.Ok : ExitCodes.Broken;
        }

        private IReadOnlyList<ComparedFigure>? Compare(
            ScenarioSpec machine, IReadOnlyList<IReadOnlyList<MeasuredFigure>> cases, TextWriter error, CancellationToken cancellation)
        {
            IReadOnlyList<ComparedFigure>[] results = new IReadOnlyList<ComparedFigure>[cases.Count];
            using StatusLine line = new(error);
            Lock gate = new();
            int done = 0;
            ParallelOptions options = new() { MaxDegreeOfParallelism = Threads == 0 ? Environment.ProcessorCount : Threads };
            ParallelLoopResult loop = Parallel.For(0, cases.Count, options, (index, state) =>
            {
                if (cancellation.IsCancellationRequested)
                {
                    state.Stop();
                    return;
                }

                results[index] = FigureComparison.Run(machine, cases[index]);
                lock (gate)
                {
                    line.Show($"{++done} of {cases.Count} programs");
                }
            });
            return loop.IsCompleted ? [.. results.SelectMany(each => each)] : null;
        }

        private static T Table<T>(string file, Func<TextReader, string, T> read, string missing)
        {
            if (!File.Exists(file))
            {
                throw new FileNotFoundException(missing);
            }

            using StreamReader reader = new(file);
            return read(reader, file);
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
