using System.IO.Enumeration;
using VmSim.Core.Addresses;
using VmSim.Core.Settings;

namespace VmSim.Core.Memory;

/// <summary>
/// How large the folios are in which files lie in the page cache, by path. A fault maps the whole folio where it lies within the area and
/// the page-table page (Linux 6.18: filemap_map_folio_range, mm/filemap.c; finish_fault, mm/memory.c). Files that faults read in have
/// small folios; a file that was written has folios as large as its writes, up to the file system's limit.
/// </summary>
public sealed class FolioSizes
{
    /// <summary>
    /// The largest folio, in bytes. Larger ones are as large as a page-table page and are mapped by one entry above it
    /// (filemap_map_pmd, mm/filemap.c), which is not simulated.
    /// </summary>
    public const ulong MaxBytes = 1 << 20;

    private const string Allowed = "a power of two from 4 KiB to 1 MiB";

    private static readonly SettingAttribute Size = new("Bytes of a folio.") { Unit = SettingUnit.Bytes, Max = MaxBytes };

    private readonly Rule[] _rules;

    private FolioSizes(ulong bytes, Rule[] rules)
    {
        Bytes = bytes;
        _rules = rules;
        LargestBytes = rules.Select(rule => rule.Bytes).Append(bytes).Max();
    }

    /// <summary>Folios of one page each.</summary>
    public static FolioSizes OnePage { get; } = new(PageSizes.BaseBytes, []);

    /// <summary>Bytes of the folios of files that no rule names.</summary>
    public ulong Bytes { get; }

    /// <summary>Bytes of the largest folio that a file may have.</summary>
    public ulong LargestBytes { get; }

    /// <summary>Reads a list of rules: "pattern=size", comma between, of which the first that fits a path counts.</summary>
    /// <param name="bytes">Bytes of the folios of files that no rule names: a power of two, 4 KiB to <see cref="MaxBytes"/>.</param>
    /// <param name="rules">
    /// The rules. * in a pattern stands for any characters, ? for one; a pattern without a slash is compared with the name behind the
    /// path's last one. A size is a number of bytes with or without a unit.
    /// </param>
    /// <param name="key">The setting's key, for messages; that of <paramref name="bytes"/> is the same without the last letter.</param>
    /// <exception cref="ScenarioException">A rule is none, or a size is not allowed.</exception>
    public static FolioSizes Parse(ulong bytes, string rules, string key)
    {
        ArgumentNullException.ThrowIfNull(rules);
        ArgumentNullException.ThrowIfNull(key);
        if (!IsFolio(bytes))
        {
            throw new ScenarioException($"{key[..^1]}: {bytes} B found; {Allowed} is allowed");
        }

        string[] words = rules.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return new FolioSizes(bytes, [.. words.Select(Read)]);

        Rule Read(string rule)
        {
            int equals = rule.LastIndexOf('=');
            return equals > 0 && SettingValues.TryParse(rule[(equals + 1)..].Trim(), typeof(ulong), Size, ghz: 1, out object? size)
                && size is ulong folio && IsFolio(folio)
                ? new Rule(rule[..equals].TrimEnd(), folio)
                : throw new ScenarioException(
                    $"{key}: \"{rule}\" found; allowed: PATTERN=SIZE, comma between, such as \"libc.so.*=64 KiB\"; a size is {Allowed}");
        }
    }

    /// <summary>Bytes of the folios of a file.</summary>
    /// <param name="path">Its path.</param>
    public ulong BytesOf(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return RuleOf(path)?.Bytes ?? Bytes;
    }

    /// <summary>The patterns that count for none of some files.</summary>
    /// <param name="paths">The files' paths.</param>
    public IReadOnlyList<string> Unused(IEnumerable<string> paths)
    {
        ArgumentNullException.ThrowIfNull(paths);
        HashSet<Rule?> used = [.. paths.Select(RuleOf)];
        return [.. _rules.Where(rule => !used.Contains(rule)).Select(rule => rule.Pattern)];
    }

    private Rule? RuleOf(string path) => Array.Find(_rules, rule => rule.Fits(path));

    private static bool IsFolio(ulong bytes) => bytes is >= PageSizes.BaseBytes and <= MaxBytes && ulong.IsPow2(bytes);

    private sealed record Rule(string Pattern, ulong Bytes)
    {
        public bool Fits(string path)
        {
            string compared = Pattern.Contains('/', StringComparison.Ordinal) ? path : path[(path.LastIndexOf('/') + 1)..];
            return FileSystemName.MatchesSimpleExpression(Pattern, compared, ignoreCase: false);
        }
    }
}
