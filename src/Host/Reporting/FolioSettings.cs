using System.Text;
using VmSim.Core.Addresses;
using VmSim.Core.Settings;
using VmSim.Core.Traces;
using VmSim.Host.Files;
using VmSim.Host.Maps;
using VmSim.Host.Terminal;

namespace VmSim.Host.Reporting;

/// <summary>The folios of a trace's files on this machine, as settings.</summary>
internal static class FolioSettings
{
    /// <summary>Reads a trace to its end, looks at each file that it names, and writes <c>memory.folios</c>.</summary>
    /// <param name="source">The trace.</param>
    /// <param name="error">Hears of files that cannot be looked at.</param>
    public static string Of(IVmtSource source, TextWriter error)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new UsageException("folios are read from /proc/self/pagemap, which Linux alone has");
        }

        List<string> rules = [];
        List<string> missing = [];
        StringBuilder text = new(
            "# Folios in which files lie in the page cache of this machine: of up to 64 KiB, a fault maps as much without them.\n");
        foreach (string path in Paths(source))
        {
            try
            {
                if (FileStatus.Of(path).Kind != FileKind.Regular)
                {
                    missing.Add(path);
                    continue;
                }

                FileFolios? folios = FolioProbe.Look(path);
                text.Append("# ").Append(Plain(path)).Append(": ").Append(Describe(folios)).Append('\n');
                if (folios is not null && folios.Bytes > PageSizes.BaseBytes)
                {
                    rules.Add($"{Pattern(path)}={Size(folios.Bytes)}");
                }
            }
            catch (Exception reason) when (reason is IOException or UnauthorizedAccessException)
            {
                error.WriteLine($"note: {Plain(reason.Message)}");
            }
        }

        if (missing.Count > 0)
        {
            string first = string.Join(", ", missing.Take(3).Select(Plain));
            string more = missing.Count > 3 ? $" and {missing.Count - 3} more" : "";
            error.WriteLine($"note: no regular {(missing.Count == 1 ? "file" : "files")} here: {first}{more}");
        }

        return text.Append("memory.folios = ").Append(SettingValues.InQuotes(string.Join(", ", rules))).Append('\n').ToString();
    }

    private static List<string> Paths(IVmtSource source)
    {
        List<string> paths = [];
        HashSet<string> known = new(StringComparer.Ordinal);
        VmtRecord record = default;
        while (source.Read(ref record))
        {
            if (record is { Kind: VmtKind.File, Text: { } path } && known.Add(path))
            {
                paths.Add(path);
            }
        }

        return paths;
    }

    private static string Describe(FileFolios? folios) => folios is null
        ? "not in memory"
        : folios.Bytes > PageSizes.BaseBytes
            ? $"{Size(folios.Bytes)} for {folios.Pages:N0} of {folios.CachedPages:N0} pages in memory"
            : $"at most 64 KiB for {folios.Pages:N0} of {folios.CachedPages:N0} pages in memory";

    private static string Size(ulong bytes) => bytes >= 1 << 20 ? $"{bytes >> 20} MiB" : $"{bytes >> 10} KiB";

    /// <summary>A path as a pattern: a character with a meaning in patterns or lists becomes one that stands for any.</summary>
    private static string Pattern(string path) =>
        string.Concat(path.Select(character => char.IsControl(character) || character is '*' or ',' or '\\' ? '?' : character));

    /// <summary>A text on one line.</summary>
    private static string Plain(string text) => string.Concat(text.Select(character => char.IsControl(character) ? '?' : character));
}
