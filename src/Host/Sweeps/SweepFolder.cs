using VmSim.Core.Settings;
using VmSim.Host.Files;
using VmSim.Host.Reporting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Sweeps;

/// <summary>The folder that a sweep writes: a folder of a run each in <c>runs</c>, and what is made of them.</summary>
internal static class SweepFolder
{
    /// <summary>Name of the folder of the runs, each of which has its digest for a name.</summary>
    public const string RunsName = "runs";

    /// <summary>Name of the table with a row a run.</summary>
    public const string TableName = "table.csv";

    /// <summary>Name of the same table as Parquet.</summary>
    public const string ParquetName = "table.parquet";

    /// <summary>Name of the table of means.</summary>
    public const string MeansName = "means.csv";

    /// <summary>Name of the page that says all in short.</summary>
    public const string PageName = "summary.md";

    /// <summary>Name of the page with curves and tables for a browser.</summary>
    public const string HtmlName = "page.html";

    /// <summary>Name of the picture of a figure.</summary>
    public static string PictureOf(string metric) => $"{metric}.svg";

    /// <summary>Whether a folder is one of a sweep.</summary>
    public static bool Is(string folder) =>
        Directory.Exists(Path.Combine(folder, RunsName)) && File.Exists(Path.Combine(folder, TableName));

    /// <summary>Whether a run's folder has its report, and the lists that are wanted.</summary>
    public static bool HasRun(string run, IEnumerable<ListFile> lists) =>
        File.Exists(Path.Combine(run, RunFolder.ReportName)) && lists.All(list => File.Exists(Path.Combine(run, list.FileName)));

    /// <summary>The lists of some names, each once.</summary>
    /// <param name="names">The names.</param>
    /// <param name="key">Who named them.</param>
    /// <exception cref="ScenarioException">There is none of a name.</exception>
    public static IReadOnlyList<ListFile> ListsOf(IEnumerable<string> names, string key) =>
        [.. names.Select(name => ListFile.All.Require(name, key)).Distinct()];

    /// <summary>Makes the folder, and finds out whether files can be written into it.</summary>
    /// <exception cref="IOException">It is a file, or cannot be made or written.</exception>
    public static void Prepare(string folder)
    {
        if (string.IsNullOrWhiteSpace(folder))
        {
            throw new UsageException("--out: an empty name found; a folder is needed");
        }

        if (File.Exists(folder))
        {
            throw new IOException($"--out {folder}: this is a file; a folder is needed");
        }

        Directory.CreateDirectory(Path.Combine(folder, RunsName));
        using OutputFile probe = new(Path.Combine(folder, TableName), "--out");
    }

    /// <summary>Writes a file of the folder, whole or not at all.</summary>
    public static void Write(string folder, string name, Action<Stream> write)
    {
        using OutputFile file = new(Path.Combine(folder, name), "--out");
        write(file.Stream);
        file.Complete();
    }

    /// <summary>Folders of runs that belong to other settings, traces or builds than those of this sweep.</summary>
    public static int CountOfOthers(string folder, IEnumerable<string> digests)
    {
        HashSet<string> own = new(digests, StringComparer.Ordinal);
        return Directory.EnumerateDirectories(Path.Combine(folder, RunsName)).Count(run => !own.Contains(Path.GetFileName(run)));
    }
}
