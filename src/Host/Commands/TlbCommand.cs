using System.CommandLine;
using VmSim.Actors.Configuration;
using VmSim.Core.Experiments;
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
        Command command = new("tlb", "Runs streams of accesses through TLB configurations and counts hits, walks and cycles.")
        {
            configurations,
            results,
            threads,
            vary,
        };
        command.SetAction((parsed, cancellation) => Task.Run(
            () =>
                Run(
                    ConfigFiles.Locate(parsed.GetValue(configurations)!),
                    parsed.GetValue(results),
                    parsed.GetValue(threads),
                    AxesOf(parsed.GetValue(vary) ?? []),
                    output,
                    error,
                    cancellation),
            CancellationToken.None));
        return command;
    }

    private static (string Column, IReadOnlyList<string> Values)[] AxesOf(string[] texts) =>
    [
        .. texts.Select(text => text.Split('=', 2) is [string column, string values]
            ? (column.Trim(), ValueList.Parse(values, $"--vary {column.Trim()}"))
            : throw new UsageException($"--vary: \"{text}\" found; column=values, such as l2_entries=512..4096*2, is allowed")),
    ];

    private static int Run(
        string file,
        string? results,
        int threads,
        (string Column, IReadOnlyList<string> Values)[] axes,
        TextWriter output,
        TextWriter error,
        CancellationToken cancellation)
    {
        TlbGrid grid = axes.Length == 0 ? new TlbGrid(Read(file), []) : TlbGrid.Of(Read(file), axes);
        IReadOnlyList<TlbConfig> configurations = grid.Rows;
        if (grid.Refused.Count > 0)
        {
            error.WriteLine(
                $"vmsim: {grid.Refused.Count} of {grid.Refused.Count + grid.Rows.Count} combinations are left out; the first is "
                    + grid.Refused[0]);
        }

        // What cannot be written is found out before the work, not after it.
        using OutputFile? table = results is null ? null : new OutputFile(results, "-o", [file, .. TracesOf(file, configurations)]);
        (TlbConfig Config, TlbResult Result)[] rows = RunAll(file, configurations, threads, error, cancellation);
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

        ShowSummary(rows, results is null, output, error);
        if (rows.Length == configurations.Count)
        {
            return ExitCodes.Ok;
        }

        error.WriteLine($"vmsim: stopped; {rows.Length} of {configurations.Count} rows were done");
        return ExitCodes.Broken;
    }

    private static IReadOnlyList<TlbConfig> Read(string file)
    {
        if (!File.Exists(file))
        {
            throw new FileNotFoundException($"{file}: there is no such file; name a CSV file of configurations");
        }

        using StreamReader reader = new(file);
        return TlbTable.Read(reader, file);
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
        if (!File.Exists(path))
        {
            throw new FileNotFoundException(
                $"{file}, row {config.Name}: there is no trace {config.Trace} beside the table or in the working directory");
        }

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
    private static void ShowSummary((TlbConfig Config, TlbResult Result)[] rows, bool stdoutIsTaken, TextWriter output, TextWriter error)
    {
        if (!stdoutIsTaken)
        {
            TlbView.Show(rows, Consoles.For(output));
        }
        else if (PlainWriter.IsOver(error, Console.Error) && !Console.IsErrorRedirected)
        {
            TlbView.Show(rows, Consoles.For(error));
        }
    }
}
