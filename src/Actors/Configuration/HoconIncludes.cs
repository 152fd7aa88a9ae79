using VmSim.Core.Settings;

namespace VmSim.Actors.Configuration;

/// <summary>Files that a scenario's file includes, and those that they include: each relative to the file that names it.</summary>
internal sealed class HoconIncludes
{
    /// <summary>How deep includes may nest.</summary>
    private const int MaxDepth = 16;

    /// <summary>How many files a scenario may be made of.</summary>
    private const int MaxFiles = 256;

    private readonly string[] _chain;
    private readonly Total _total;

    private HoconIncludes(string[] chain, Total total)
    {
        _chain = chain;
        _total = total;
    }

    /// <summary>Of a scenario's file.</summary>
    /// <param name="path">The file.</param>
    public HoconIncludes(string path)
        : this([Path.GetFullPath(path)], new Total())
    {
    }

    /// <summary>The files that were included so far.</summary>
    public IReadOnlyList<string> Paths => _total.Paths;

    /// <summary>Opens a file.</summary>
    /// <param name="name">What it is called.</param>
    /// <param name="place">Where it is called so, for messages.</param>
    /// <exception cref="ScenarioException">There is none, it is being read already, or there are too many.</exception>
    public HoconReader Open(string name, string place)
    {
        string path = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(_chain[^1])!, name));
        if (_chain.Contains(path, StringComparer.Ordinal))
        {
            throw new ScenarioException($"{place}: {name} includes itself: {string.Join(" includes ", [.. _chain, path])}");
        }

        if (_chain.Length >= MaxDepth || _total.Paths.Count >= MaxFiles)
        {
            throw new ScenarioException($"{place}: includes nest more than {MaxDepth} deep, or are more than {MaxFiles}");
        }

        _total.Paths.Add(path);
        string text = TextFile.Read(path, $"{place}: include \"{name}\"");
        _total.Length += text.Length;
        return _total.Length > HoconReader.MaxLength
            ? throw new ScenarioException($"{place}: what is included has more than {HoconReader.MaxLength:N0} characters")
            : HoconReader.Of(text, path, new HoconIncludes([.. _chain, path], _total));
    }

    /// <summary>What all files of a scenario come to.</summary>
    private sealed class Total
    {
        public List<string> Paths { get; } = [];

        public long Length { get; set; }
    }
}
