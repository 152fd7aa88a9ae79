using System.CommandLine;
using VmSim.Core.Addresses;
using VmSim.Core.Kernel;
using VmSim.Core.Machine;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Host.Files;
using VmSim.Host.Reporting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary>
/// Files of their own names that a run writes: lists of shootdowns, faults and calls, and the timeline. Whether they may be written is
/// found out before the run, and they appear when all of them are whole.
/// </summary>
internal sealed class RunFiles
{
    private const string PictureEnd = ".svg";

    private static readonly string[] OtherEnds = [".json", ".html", ".png", ".jpg", ".pdf", ".txt", ".csv", ListTable<int>.ParquetEnd];
    private static readonly SettingAttribute Span = new("A time of the run.")
    {
        Unit = SettingUnit.Cycles,
        Min = 0,
        Max = ScenarioSpec.MaxUntil / 2,
    };

    private readonly Option<string?> _shootdowns = FileOption("--shootdowns-to", "List every shootdown in this file");
    private readonly Option<string?> _faults = FileOption("--faults", "List every fault in this file");
    private readonly Option<string?> _calls = FileOption("--calls", "List every call in this file");
    private readonly Option<string?> _timeline = new("--timeline")
    {
        Description = "Write what each core and thread did when: for ui.perfetto.dev, or a picture if the name ends in .svg.",
        HelpName = "FILE",
    };
    private readonly Option<string?> _from = new("--timeline-from")
    {
        Description = "Virtual time at which the timeline begins: 2ms, 100us, or cycles; 0 if left out.",
        HelpName = "TIME",
    };
    private readonly Option<string?> _for = new("--timeline-for")
    {
        Description = "How much virtual time the timeline covers; up to the end of the run if left out.",
        HelpName = "TIME",
    };

    private readonly Option<string?> _cores = new("--timeline-cores")
    {
        Description = "Cores that the timeline has, as 0-3,8; all if left out.",
        HelpName = "LIST",
    };

    /// <summary>Gives the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_shootdowns, _faults, _calls, _timeline, _from, _for, _cores])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>What the run has to keep for the files.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="machine">The machine, by whose clock times are cycles.</param>
    /// <param name="lists">What it keeps anyway.</param>
    /// <exception cref="UsageException">An option has a value that it may not have.</exception>
    public RunLists Read(ParseResult parsed, MachineSpec machine, RunLists lists)
    {
        string? timeline = parsed.GetValue(_timeline);
        (string? from, string? length, string? cores) = (parsed.GetValue(_from), parsed.GetValue(_for), parsed.GetValue(_cores));
        if (timeline is null && (from ?? length ?? cores) is not null)
        {
            throw new UsageException(
                "--timeline-from, --timeline-for and --timeline-cores: there is no --timeline; name its file: --timeline FILE");
        }

        if (timeline is not null && OtherEnds.Any(end => timeline.EndsWith(end, StringComparison.OrdinalIgnoreCase)))
        {
            throw new UsageException(
                $"--timeline {timeline}: a timeline is a trace of Perfetto, as in run.pftrace, or a picture, as in run.svg");
        }

        long begin = Time("--timeline-from", from, machine.Ghz) ?? 0;
        long? span = Time("--timeline-for", length, machine.Ghz);
        if (span == 0)
        {
            throw new UsageException($"--timeline-for: {length} found; more than 0 cycles are needed");
        }

        return lists with
        {
            Shootdowns = lists.Shootdowns || parsed.GetValue(_shootdowns) is not null,
            Faults = parsed.GetValue(_faults) is not null,
            Calls = parsed.GetValue(_calls) is not null,
            Timeline = timeline is not null,
            TimelineFrom = begin,
            TimelineEnd = span is { } cycles ? begin + cycles : Cycles.Never,
            TimelineCores = cores is null ? null : CoresOf(cores, machine.Cores),
        };
    }

    /// <summary>Finds out whether the files may be written.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="inputs">Files that the run reads.</param>
    /// <returns>What writes them when there is a report, and says which they are.</returns>
    /// <exception cref="IOException">One may not.</exception>
    public Func<RunReport, Task<IReadOnlyList<string>>> Prepare(ParseResult parsed, IReadOnlyList<string> inputs)
    {
        List<(string Path, string Option, Func<RunReport, Stream, Task> Write)> wanted = [];
        Add(_shootdowns, (path, report, stream) => ShootdownCsv.Of(report).WriteAsync(path, stream));
        Add(_faults, (path, report, stream) => OperationList.Of(report, faults: true).WriteAsync(path, stream));
        Add(_calls, (path, report, stream) => OperationList.Of(report, faults: false).WriteAsync(path, stream));
        Add(_timeline, (path, report, stream) =>
        {
            Action<RunReport, Stream> write =
                path.EndsWith(PictureEnd, StringComparison.OrdinalIgnoreCase) ? TimelineView.Write : TimelineTrace.Write;
            write(report, stream);
            return Task.CompletedTask;
        });
        return report => WriteAsync(wanted, inputs, report);

        void Add(Option<string?> option, Func<string, RunReport, Stream, Task> write)
        {
            if (parsed.GetValue(option) is { } path)
            {
                OutputFile.Require(path, option.Name, inputs);
                string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
                if (!Directory.Exists(folder))
                {
                    throw new IOException($"{option.Name} {path}: there is no folder {folder}; make it first");
                }

                if (wanted.Find(other => Path.GetFullPath(other.Path) == Path.GetFullPath(path)) is { Option: { } same })
                {
                    throw new UsageException($"{option.Name} {path}: {same} writes this file; name another one");
                }

                wanted.Add((path, option.Name, (report, stream) => write(path, report, stream)));
            }
        }
    }

    private static async Task<IReadOnlyList<string>> WriteAsync(
        List<(string Path, string Option, Func<RunReport, Stream, Task> Write)> wanted, IReadOnlyList<string> inputs, RunReport report)
    {
        List<OutputFile> files = [];
        try
        {
            foreach ((string path, string option, Func<RunReport, Stream, Task> write) in wanted)
            {
                OutputFile file = new(path, option, inputs);
                files.Add(file);
                await write(report, file.Stream);
                file.Finish();
            }

            Leftovers.Whole(() => files.ForEach(file => file.Complete()));
            return [.. wanted.Select(file => file.Path)];
        }
        finally
        {
            files.ForEach(file => file.Dispose());
        }
    }

    private static CoreList CoresOf(string text, int cores) =>
        CoreList.TryParse(text, out CoreList? list, out string wrong) && list.Count > 0 && list.Greatest < cores
            ? list
            : throw new UsageException($"--timeline-cores: \"{(wrong.Length > 0 ? wrong : text)}\" found; "
                + $"cores and ranges of cores from 0 to {cores - 1}, as in 0-3,8, are allowed");

    private static long? Time(string option, string? text, double ghz)
    {
        if (text is null)
        {
            return null;
        }

        return SettingValues.TryParse(text, typeof(long), Span, ghz, out object? value)
            ? (long)value!
            : throw new UsageException($"{option}: \"{text}\" found; cycles, or a time in ns, us, ms or s, are allowed");
    }

    private static Option<string?> FileOption(string name, string description) => new(name)
    {
        Description = $"{description}: CSV, or Parquet if its name ends in {ListTable<int>.ParquetEnd}.",
        HelpName = "FILE",
    };
}
