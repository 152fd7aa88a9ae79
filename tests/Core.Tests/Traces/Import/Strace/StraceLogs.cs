using System.Text;
using VmSim.Core.Traces;
using VmSim.Core.Traces.Import;
using VmSim.Core.Traces.Import.Strace;

namespace VmSim.Core.Tests.Traces.Import.Strace;

/// <summary>What an import of a log of strace gave: the trace of each process, and what was counted.</summary>
internal sealed class StraceLogs : IImportChildren
{
    private readonly Dictionary<ulong, MemoryStream> _streams = [];
    private readonly Dictionary<ulong, VmtTextWriter> _writers = [];

    private StraceLogs()
    {
    }

    /// <summary>What was found of the first process.</summary>
    public ImportSummary Summary { get; private set; } = new();

    /// <summary>The processes whose traces ended.</summary>
    public HashSet<ulong> Closed { get; } = [];

    /// <summary>Who forked whom.</summary>
    public Dictionary<ulong, ulong> Parents { get; } = [];

    /// <summary>The records of the first process, without the header.</summary>
    public string Text => TextOf(0);

    /// <summary>Imports a log whose text is given; its last line has a line end, whether the text says so or not.</summary>
    public static StraceLogs Of(string log, bool drop = false, string file = "log", IReadOnlyDictionary<string, string>? others = null) =>
        Of(new MemoryStream(Encoding.UTF8.GetBytes(Ended(log))), drop, file, others);

    /// <summary>Imports a log as it stands.</summary>
    public static StraceLogs OfCut(string log) => Of(new MemoryStream(Encoding.UTF8.GetBytes(log)), drop: false, "log", others: null);

    /// <summary>Imports a log that ships with the tests.</summary>
    public static StraceLogs OfFile(string name)
    {
        string folder = Path.Combine(AppContext.BaseDirectory, "TestData", "logs", "strace");
        return Of(File.OpenRead(Path.Combine(folder, name)), false, name, null, other =>
            File.Exists(Path.Combine(folder, other)) ? File.OpenRead(Path.Combine(folder, other)) : null);
    }

    /// <summary>The records of a process, without the header; 0 is the first one.</summary>
    public string TextOf(ulong process)
    {
        string text = Encoding.UTF8.GetString(_streams[process].ToArray());
        return text[(text.IndexOf('\n', StringComparison.Ordinal) + 1)..];
    }

    /// <summary>The traces of all processes, by number.</summary>
    public string All() => string.Concat(_streams.Keys.Order().Select(process => $"== {process}\n{TextOf(process)}"));

    /// <summary>Reads the traces as a replay does.</summary>
    public LoadedTrace Load() => VmtReader.Load(
        new MemoryStream(_streams[0].ToArray()),
        "x.vmt",
        new TraceLoadOptions
        {
            OpenFile = name => _streams.TryGetValue(ProcessOf(name), out MemoryStream? trace) ? new MemoryStream(trace.ToArray()) : null,
        });

    /// <inheritdoc/>
    public IVmtSink? Open(ulong parent, ulong process)
    {
        if (_streams.ContainsKey(process))
        {
            return null;
        }

        Parents[process] = parent;
        _streams[process] = new MemoryStream();
        _writers[process] = new VmtTextWriter(_streams[process]);
        return _writers[process];
    }

    /// <inheritdoc/>
    public void Close(ulong process, ImportSummary summary)
    {
        Assert.True(Closed.Add(process));
        _writers[process].Flush();
    }

    private static string Ended(string log) => log.EndsWith('\n') ? log : log + "\n";

    private static ulong ProcessOf(string name)
    {
        string[] parts = name.Split('.');
        int child = Array.LastIndexOf(parts, "child");
        return child >= 0 ? ulong.Parse(parts[child + 1], System.Globalization.CultureInfo.InvariantCulture) : ulong.MaxValue;
    }

    private static StraceLogs Of(
        Stream log, bool drop, string file, IReadOnlyDictionary<string, string>? others, Func<string, Stream?>? open = null)
    {
        StraceLogs logs = new StraceLogs();
        logs._streams[0] = new MemoryStream();
        using (VmtTextWriter writer = new VmtTextWriter(logs._streams[0]))
        {
            logs.Summary = new StraceImporter { Drop = drop }.Import(log, writer, new ImportOptions
            {
                // Traces are the same with and without them; CallSiteTests looks at stacks.
                Stacks = false,
                File = file,
                Children = logs,
                ListBeside = stem => [.. (others?.Keys ?? []).Where(name => name.StartsWith(stem, StringComparison.Ordinal)).Order()],
                OpenIfThere = open ?? (name => others is not null && others.TryGetValue(name, out string? text)
                    ? new MemoryStream(Encoding.UTF8.GetBytes(Ended(text)))
                    : null),
            });
        }

        Assert.Equal(logs._streams.Count - 1, logs.Closed.Count);
        return logs;
    }
}
