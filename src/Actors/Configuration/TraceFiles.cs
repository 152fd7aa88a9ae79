using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Settings;
using VmSim.Core.Traces;

namespace VmSim.Actors.Configuration;

/// <summary>Opens traces of programs.</summary>
public static class TraceFiles
{
    /// <summary>How the names of traces end, a form each: text, packed text, binary.</summary>
    public static IReadOnlyList<string> Endings { get; } = [".vmt", ".vmt.gz", ".vmtb"];

    /// <summary>Texts that are kept in their binary form; null for none. A program names them once, before it reads a trace.</summary>
    public static IConvertedTraces? Converted { get; set; }

    /// <summary>Reads blocks of a binary trace ahead, on a thread of its own.</summary>
    /// <param name="blocks">The blocks, disposed of with what is returned.</param>
    public static IVmtBlocks Ahead(IVmtBlocks blocks) => new BlocksAhead(blocks);

    /// <summary>Whether a file's name says that it is a trace.</summary>
    public static bool IsTrace(string path) => Endings.Any(ending => path.EndsWith(ending, StringComparison.Ordinal));

    /// <summary>The program's name in a trace's file name.</summary>
    public static string ProgramOf(string path)
    {
        string name = Path.GetFileName(path);
        string? ending = Endings.FirstOrDefault(candidate => name.EndsWith(candidate, StringComparison.Ordinal));
        return ending is null ? name : name[..^ending.Length];
    }

    /// <summary>Reads a trace to its end.</summary>
    /// <param name="path">The file.</param>
    /// <param name="compute">Cycles computed after each reference.</param>
    /// <param name="cores">Cores that its threads are pinned to in turn; null or empty for none.</param>
    /// <param name="salvage">Whether a damaged trace is used up to the damage.</param>
    /// <param name="beside">Where a child's trace is, by its name, null if there is none; by default, beside the trace.</param>
    /// <param name="order">How much of its order between threads is kept.</param>
    /// <param name="ghz">The machine's clock, for the time of sleeps; null for that of a machine without a profile.</param>
    /// <param name="called">What the file is called, if not as its path says; threads and children have their names from that.</param>
    /// <exception cref="ScenarioException">There is no such file.</exception>
    /// <exception cref="TraceFormatException">The trace is cut off or damaged.</exception>
    public static LoadedTrace Load(
        string path, long compute = 0, IReadOnlyList<CoreId>? cores = null, bool salvage = false, Func<string, string?>? beside = null,
        ReplayOrder order = ReplayOrder.Pages, double? ghz = null, string? called = null)
    {
        if (!File.Exists(path))
        {
            throw new ScenarioException($"{path}: there is no such trace");
        }

        beside ??= name => OwnFiles.Beside(path, name);
        called ??= path;
        TraceLoadOptions options = new()
        {
            Name = ProgramOf(called),
            OpenSource = (bytes, name) => Open(bytes, name, salvage),
            OpenFile = name => beside(name) is { } found ? File.OpenRead(found) : null,
            Compute = compute,
            Cores = cores ?? [],
            Salvage = salvage,
            Order = order,
            Ghz = ghz ?? new MachineSpec().Ghz,
        };
        if (Converted is not { } converted || salvage)
        {
            return Load(path, called, options);
        }

        try
        {
            return Load(path, called, options with
            {
                OpenSource = (bytes, name) => converted.Open((FileStream)bytes, name) ?? Open(bytes, name, salvage),
            });
        }
        catch (TraceFormatException)
        {
            // what is wrong with a text is told by its lines, and what was only kept wrongly is not wrong
            return Load(path, called, options);
        }
    }

    private static LoadedTrace Load(string path, string called, TraceLoadOptions options)
    {
        using FileStream stream = File.OpenRead(path);
        return VmtReader.Load(stream, called, options);
    }

    private static IVmtSource Open(Stream bytes, string name, bool salvage) =>
        TraceSources.OpenToKeep(bytes, name, salvage, Ahead);
}
