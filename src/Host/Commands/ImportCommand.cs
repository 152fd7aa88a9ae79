using System.CommandLine;
using VmSim.Actors.Configuration;
using VmSim.Core.Settings;
using VmSim.Core.Traces;
using VmSim.Core.Traces.Import;
using VmSim.Core.Traces.Import.DrMemtrace;
using VmSim.Host.Capture;
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

        command.Subcommands.Add(CreateOfClass(error));
        return command;
    }

    /// <summary>An importer of the library; each of its settings is an option.</summary>
    private static Command CreateOne(ITraceImporter importer, TextWriter error)
    {
        Arguments arguments = new();
        Command command = arguments.AddTo(new Command(importer.Name, importer.Summary));
        (string Key, Option Option)[] own = [.. SettingRow.Of(importer, "").Select(row => (row.Key, OptionOf(row)))];
        foreach ((string _, Option option) in own)
        {
            command.Options.Add(option);
        }

        command.SetAction(parsed =>
        {
            IEnumerable<KeyValuePair<string, string>> values = own
                .Select(each => KeyValuePair.Create(each.Key, ValueOf(each.Option, parsed)))
                .Where(each => each.Value is not null)
                .Select(each => KeyValuePair.Create(each.Key, each.Value!));
            return arguments.Import(new OwnSettings(values).ApplyTo(importer, "--", ghz: 1), parsed, error);
        });
        return command;
    }

    /// <summary>A setting as an option: what is off becomes a flag.</summary>
    private static Option OptionOf(SettingRow row) => row.Default == "off"
        ? new Option<bool>($"--{row.Key}") { Description = row.Summary }
        : new Option<string?>($"--{row.Key}") { Description = $"{row.Summary} Allowed: {row.Allowed}; default {row.Default}." };

    private static string? ValueOf(Option option, ParseResult parsed) => option switch
    {
        Option<bool> flag => parsed.GetValue(flag) ? "on" : null,
        Option<string?> text => parsed.GetValue(text),
        _ => null,
    };

    /// <summary>An importer of a plug-in; its settings are known once it is.</summary>
    private static Command CreateOfClass(TextWriter error)
    {
        Argument<string> name = new("class") { Description = "The importer: \"Namespace.Type, Assembly\"." };
        Command command = new("class", "A class of your own, from a plug-in.") { name };
        Arguments arguments = new();
        arguments.AddTo(command);
        Option<string[]> files = PlugInOption.Create();
        Option<string[]> sets = new("--set")
        {
            Description = "A setting of the importer, key=value; can be given several times.",
            HelpName = "KEY=VALUE",
        };
        command.Options.Add(files);
        command.Options.Add(sets);
        command.SetAction(parsed =>
        {
            PlugInSet plugIns = PlugInOption.Load(parsed.GetValue(files));
            ITraceImporter importer = TraceImporters.All.Require(parsed.GetValue(name)!, "class", plugIns);
            importer = new OwnSettings((parsed.GetValue(sets) ?? []).Select(Split)).ApplyTo(importer, "--set ", ghz: 1);
            return PlugInFailedException.Guard(plugIns, () => arguments.Import(importer, parsed, error));
        });
        return command;
    }

    private static KeyValuePair<string, string> Split(string set)
    {
        int equals = set.IndexOf('=', StringComparison.Ordinal);
        return equals > 0
            ? KeyValuePair.Create(set[..equals].Trim(), set[(equals + 1)..].Trim())
            : throw new UsageException($"--set {set}: key=value is needed");
    }

    private static string NameOf(string path)
    {
        string name = Path.GetFileName(path);
        int dot = name.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 ? name[..dot] : name;
    }

    /// <summary>What every importer is given on the command line.</summary>
    private sealed class Arguments
    {
        private readonly Argument<string> _log = new("log")
        {
            Description = "The log, plain or packed, or a recording's folder (drmemtrace); - for standard input.",
        };

        private readonly Option<string> _output = new("-o", "--output")
        {
            Description = "Trace to write: .vmt, .vmt.gz or .vmtb.",
            Required = true,
            HelpName = "FILE",
        };

        private readonly Option<bool> _noStacks = new("--no-stacks")
        {
            Description = "Leave out from where calls were made, where the log says so (strace -k).",
        };

        private readonly Option<bool> _binary = new("--binary") { Description = "Write the binary form whatever the name." };
        private readonly Option<string?> _name = new("--name") { Description = "The program's name; the default is the log's." };
        private readonly Option<int> _sets =
            NumberOption.Create(
                "--sets",
                "Sets of the filter that collapses references to a page: a power of two.",
                1,
                4096,
                fallback: 16,
                "a power of two");

        public Command AddTo(Command command)
        {
            command.Arguments.Add(_log);
            command.Options.Add(_output);
            command.Options.Add(_binary);
            command.Options.Add(_name);
            command.Options.Add(_sets);
            command.Options.Add(_noStacks);
            return command;
        }

        public int Import(ITraceImporter importer, ParseResult parsed, TextWriter error)
        {
            int setCount = parsed.GetValue(_sets);
            if ((setCount & (setCount - 1)) != 0)
            {
                throw new UsageException($"--sets: {setCount} found; a power of two from 1 to 4096 is allowed");
            }

            string path = parsed.GetValue(_log)!;
            string target = parsed.GetValue(_output)!;
            bool isFolder = importer is DrMemtraceImporter && Directory.Exists(path);
            IReadOnlyList<string> files = isFolder ? RecordingFolder.FilesOf(path) : [path];
            using Stream stream = TraceInput.OpenLog(files[0]);
            using TraceOutput trace = new(target, parsed.GetValue(_binary), files);
            using SourceLines lines = new();
            using ChildTraces children = new(target, parsed.GetValue(_binary), files);
            ImportSummary summary = importer.Import(stream, trace.Sink, new ImportOptions
            {
                File = files[0],
                Parts = [.. files.Skip(1).Select(file => new ImportPart(file, () => TraceInput.OpenLog(file)))],
                Name = parsed.GetValue(_name) ?? NameOf(path),
                Sets = setCount,
                Open = TraceInput.Open,
                OpenIfThere = TraceInput.OpenIfThere,
                ListBeside = TraceInput.ListBeside,
                Children = children,
                Stacks = !parsed.GetValue(_noStacks),
                SourceLine = lines.Find,
            });
            if (summary.IsEmpty && summary.Processes.All(process => process.Summary.IsEmpty))
            {
                throw new TraceFormatException(
                    $"{files[0]}: no access and no call in its {summary.Lines:N0} lines can be used; needed is a log of {importer.Name}");
            }

            trace.Finish();
            Leftovers.Whole(() =>
            {
                children.Complete();
                trace.Complete();
            });
            ImportSummaryView.Show(summary, target, error, forks: children.Paths.Count < summary.Children.Count);
            ImportSummaryView.ShowChildren(children.Paths, error);
            if (lines.IsToolMissing)
            {
                error.WriteLine(SourceLines.Missing);
            }

            return ExitCodes.Ok;
        }
    }
}
