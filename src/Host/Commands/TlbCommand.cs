using System.CommandLine;
using VmSim.Actors.Configuration;
using VmSim.Core.Experiments;
using VmSim.Core.Mmu;
using VmSim.Core.Traces;
using VmSim.Core.Workloads.Patterns;
using VmSim.Host.Files;
using VmSim.Host.Reporting;
using VmSim.Host.Sweeps;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim tlb</c>: sizes TLBs without cores that run programs and without a kernel.</summary>
internal static class TlbCommand
{
    /// <summary>Milliseconds between two updates of the status line.</summary>
    private const long StatusEvery = 100;

    public static Command Create(TextWriter output, TextWriter error)
    {
        Argument<string> configurations = new("configurations") { Description = "CSV file, a TLB configuration a line." };
        Option<string?> results = new("--output", "-o")
        {
            Description = "CSV file to write; without it the CSV goes to stdout.",
            HelpName = "RESULTS.csv",
        };
        Option<int> threads = NumberOption.Create(
            "--threads",
            "Rows that run at a time; 0, the default, is one per processor. Never changes results.",
            0,
            4096,
            fallback: 0,
            "0 for one per processor");
        Option<string[]> vary = new("--vary")
        {
            Description = "Every row with each of these values in a column: --vary l2_entries=512..4096*2. May be repeated, for a grid.",
            HelpName = "column=values",
        };
        Option<string?> basis = new("--base")
        {
            Description = "Row that the summary has ratios to, by its name.",
            HelpName = "NAME",
        };
        Option<string?> figure = new("--figure")
        {
            Description = "Draw page walks per million accesses: a curve along the numbers of --vary, or a bar a row.",
            HelpName = "FILE.svg|png",
        };
        Command command = new("tlb", "Runs streams of accesses through TLB configurations and counts hits, walks and cycles.")
        {
            configurations,
            results,
            threads,
            vary,
            basis,
            figure,
        };
        command.SetAction((parsed, cancellation) => Task.Run(
            () => Run(
                new Wanted(
                    ConfigFiles.Locate(parsed.GetValue(configurations)!),
                    parsed.GetValue(results),
                    parsed.GetValue(threads),
                    AxesOf(parsed.GetValue(vary) ?? []),
                    parsed.GetValue(basis),
                    parsed.GetValue(figure)),
                output,
                error,
                cancellation),
            CancellationToken.None));
        return command;
    }

    /// <summary>What the command line asks for.</summary>
    private sealed record Wanted(
        string File, string? Results, int Threads, (string Column, IReadOnlyList<string> Values)[] Axes, string? Base, string? Figure);

    private static (string Column, IReadOnlyList<string> Values)[] AxesOf(string[] texts) =>
    [
        .. texts.Select(text => text.Split('=', 2) is [string column, string values]
            ? (column.Trim(), ValueList.Parse(values, $"--vary {column.Trim()}"))
            : throw new UsageException($"--vary: \"{text}\" found; column=values, such as l2_entries=512..4096*2, is allowed")),
    ];

    private static int Run(Wanted wanted, TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        string file = wanted.File;
        TlbGrid grid = wanted.Axes.Length == 0 ? new TlbGrid(Read(file), []) : TlbGrid.Of(Read(file), wanted.Axes, MmuOf);
        (TlbConfig[] configurations, string[] inexact) = CheckTraces(file, grid.Rows);
        string[] refused = [.. grid.Refused, .. inexact];
        if (inexact.Length > 0 && (wanted.Axes.Length == 0 || configurations.Length == 0))
        {
            throw new TableFormatException(string.Join('\n', inexact));
        }

        if (refused.Length > 0)
        {
            error.WriteLine(
                $"vmsim: {refused.Length} of {grid.Refused.Count + grid.Rows.Count} combinations are left out; the first is {refused[0]}");
        }

        if (wanted.Base is { } name && !configurations.Any(config => config.Name == name))
        {
            IEnumerable<string> names = configurations.Take(8).Select(config => $"\"{config.Name}\"");
            throw new UsageException(
                $"--base: there is no row \"{name}\"; there are {string.Join(", ", names)}{(configurations.Length > 8 ? ", ..." : "")}");
        }

        // What cannot be written is found out before the work, not after it.
        if (wanted.Figure is { } drawn)
        {
            PictureFile.Require(drawn, "--figure");
        }

        string[] inputs = [file, .. TracesOf(file, configurations)];
        using OutputFile? table = wanted.Results is null ? null : new OutputFile(wanted.Results, "-o", inputs);
        using OutputFile? picture = wanted.Figure is null ? null : new OutputFile(wanted.Figure, "--figure", inputs);
        (TlbConfig Config, TlbResult Result)[] rows = RunAll(file, configurations, wanted.Threads, error, cancellation);
        if (table is null)
        {
            TlbTable.Write(output, rows);
        }
        else
        {
            using (StreamWriter writer = new(table.Stream, leaveOpen: true))
            {
                TlbTable.Write(writer, rows);
            }

            table.Complete();
        }

        if (picture is not null)
        {
            using MemoryStream svg = new();
            TlbPicture.Write(svg, Path.GetFileNameWithoutExtension(file), rows, wanted.Axes);
            picture.Stream.Write(PictureFile.Bytes(wanted.Figure!, "--figure", svg.ToArray()));
            picture.Complete();
        }

        ShowSummary(rows, wanted.Base, table is null, output, error);
        if (rows.Length == configurations.Length)
        {
            return ExitCodes.Ok;
        }

        error.WriteLine($"vmsim: stopped; {rows.Length} of {configurations.Length} rows were done");
        return ExitCodes.Broken;
    }

    private static IReadOnlyList<TlbConfig> Read(string file)
    {
        if (!File.Exists(file))
        {
            throw new FileNotFoundException($"{file}: there is no such file; name a CSV file of configurations");
        }

        using StreamReader reader = new(file);
        return TlbTable.Read(reader, file, MmuOf);
    }

    private static MmuSpec MmuOf(string machine) => ScenarioLoader.MachineOf(machine, "machine").Mmu;

    /// <summary>
    /// Finds traces that are not there, which ends the command, and rows that would not miss as on the full trace.
    /// </summary>
    /// <returns>The other rows, and what is wrong with those.</returns>
    private static (TlbConfig[] Rows, string[] Inexact) CheckTraces(string file, IReadOnlyList<TlbConfig> configurations)
    {
        string[] missing =
        [
            .. configurations.Where(config => config.Trace.Length > 0 && !File.Exists(TraceOf(file, config))).Select(config =>
                $"{file}, row {config.Name}: there is no trace {config.Trace} beside the table or in the working directory"),
        ];
        if (missing.Length > 0)
        {
            throw new FileNotFoundException(string.Join('\n', missing));
        }

        Dictionary<string, int> sets = TracesOf(file, configurations).ToDictionary(path => path, SetsOf, StringComparer.Ordinal);
        List<TlbConfig> rows = [];
        List<string> inexact = [];
        foreach (TlbConfig config in configurations)
        {
            int found = config.Trace.Length == 0 ? 1 : sets[TraceOf(file, config)];
            if (TraceFilter.Problem(config, found) is { } problem)
            {
                inexact.Add(
                    $"{file}, row {config.Name}: {config.Trace} was recorded through a filter of {found} sets, and {problem}: it would not "
                        + $"miss as on the full trace; a multiple of {found} sets does, or a trace that is captured or imported with "
                        + "--sets 1");
            }
            else
            {
                rows.Add(config);
            }
        }

        return ([.. rows], [.. inexact]);
    }

    private static int SetsOf(string path)
    {
        using FileStream bytes = File.OpenRead(path);
        return TraceFilter.SetsOf(TraceSources.Open(bytes, path));
    }

    /// <summary>Runs rows in parallel.</summary>
    /// <returns>The rows that were finished, in order: all unless cancelled.</returns>
    private static (TlbConfig Config, TlbResult Result)[] RunAll(
        string file, IReadOnlyList<TlbConfig> configurations, int threads, TextWriter error, CancellationToken cancellation)
    {
        TlbResult?[] results = new TlbResult?[configurations.Count];
        using StatusLine line = new(error);
        Lock gate = new();
        long started = Environment.TickCount64;
        long shown = 0;
        long accesses = 0;
        int done = 0;
        ParallelOptions options = new() { MaxDegreeOfParallelism = threads == 0 ? Environment.ProcessorCount : threads };
        try
        {
            Parallel.For(0, configurations.Count, options, row =>
            {
                if (cancellation.IsCancellationRequested)
                {
                    return;
                }

                results[row] = RunOne(file, configurations[row], Progress, cancellation);
                lock (gate)
                {
                    done++;
                }
            });
        }
        catch (AggregateException reason) when (reason.InnerExceptions.All(inner => inner is OperationCanceledException))
        {
            // the rows that were finished are still worth having
        }

        return [.. configurations.Zip(results).Where(row => row.Second is not null).Select(row => (row.First, row.Second!))];

        void Progress(long more)
        {
            lock (gate)
            {
                accesses += more;
                long now = Environment.TickCount64;
                if (now - shown >= StatusEvery)
                {
                    shown = now;
                    double seconds = Math.Max(0.001, (now - started) / 1000.0);
                    line.Show(
                        $"{done} of {configurations.Count} rows, {Quantities.Count(accesses)} accesses, "
                        + $"{Quantities.Count(accesses / seconds)}/s");
                }
            }
        }
    }

    private static TlbResult RunOne(string file, TlbConfig config, Action<long> progress, CancellationToken cancellation)
    {
        if (config.Trace.Length == 0)
        {
            AddressStream stream = AddressStreams.Create(config.Stream, config.Pages, config.Seed);
            return TlbExperiment.Run(config, new StreamSource(stream, config.Cores), progress, cancellation);
        }

        string path = TraceOf(file, config);
        using FileStream bytes = File.OpenRead(path);
        return TlbExperiment.Run(config, new TraceSource(TraceSources.Open(bytes, path), config.Cores), progress, cancellation);
    }

    private static IEnumerable<string> TracesOf(string file, IReadOnlyList<TlbConfig> configurations) =>
        configurations.Where(config => config.Trace.Length > 0).Select(config => TraceOf(file, config)).Distinct(StringComparer.Ordinal);

    private static string TraceOf(string file, TlbConfig config)
    {
        string path = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(file))!, config.Trace);
        return File.Exists(path) ? path : ConfigFiles.Locate(config.Trace);
    }

    /// <summary>The summary goes where the results do not: to stdout beside a file, to a terminal's stderr beside stdout.</summary>
    private static void ShowSummary(
        (TlbConfig Config, TlbResult Result)[] rows, string? basis, bool stdoutIsTaken, TextWriter output, TextWriter error)
    {
        if (!stdoutIsTaken)
        {
            TlbView.Show(rows, basis, Consoles.For(output));
        }
        else if (PlainWriter.IsOver(error, Console.Error) && !Console.IsErrorRedirected)
        {
            TlbView.Show(rows, basis, Consoles.For(error));
        }
    }
}
