using System.CommandLine;
using VmSim.Core.Traces.Import;
using VmSim.Host.Files;
using VmSim.Host.Reporting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim import</c>: turns another tool's log into a trace.</summary>
internal static class ImportCommand
{
    public static Command Create(TextWriter output, TextWriter error)
    {
        Command command = new("import", "Turns another tool's log into a trace.");
        foreach (ITraceImporter importer in TraceImporters.All)
        {
            command.Subcommands.Add(CreateOne(importer, error));
        }

        return command;
    }

    private static Command CreateOne(ITraceImporter importer, TextWriter error)
    {
        Argument<string> log = new("log") { Description = "The log, plain or packed; - for standard input." };
        Option<string> output = new("-o", "--output")
        {
            Description = "Trace to write: .vmt, .vmt.gz or .vmtb.",
            Required = true,
            HelpName = "FILE",
        };
        Option<bool> binary = new("--binary") { Description = "Write the binary form whatever the name." };
        Option<string?> layout = new("--layout")
        {
            Description = "Valgrind's -d output with the memory layout at start.",
            HelpName = "FILE",
        };
        Option<string?> name = new("--name") { Description = "The program's name; the default is the log's." };
        Option<int> sets = NumberOption.Create(
            "--sets", "Sets of the filter that collapses references to a page: a power of two.", 1, 4096, fallback: 16, "a power of two");
        Command command = new(importer.Name, importer.Summary) { log, output, binary, name, sets };
        if (importer is LackeyImporter)
        {
            command.Options.Add(layout);
        }

        command.SetAction(parsed =>
        {
            int setCount = parsed.GetValue(sets);
            if ((setCount & (setCount - 1)) != 0)
            {
                throw new UsageException($"--sets: {setCount} found; a power of two from 1 to 4096 is allowed");
            }

            string path = parsed.GetValue(log)!;
            string target = parsed.GetValue(output)!;
            string? layoutPath = importer is LackeyImporter ? parsed.GetValue(layout) : null;
            using Stream stream = TraceInput.Open(path);
            using Stream? layoutStream = layoutPath is null ? null : TraceInput.Open(layoutPath);
            using TraceOutput trace = new(target, parsed.GetValue(binary));
            ImportSummary summary = importer.Import(stream, trace.Sink, new ImportOptions
            {
                File = path,
                Name = parsed.GetValue(name) ?? NameOf(path),
                Sets = setCount,
                Layout = layoutStream,
                LayoutFile = layoutPath ?? "",
            });
            trace.Complete();
            ImportSummaryView.Show(summary, target, error);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static string NameOf(string path)
    {
        string name = Path.GetFileName(path);
        int dot = name.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 ? name[..dot] : name;
    }
}
