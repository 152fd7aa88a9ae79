using VmSim.Core.Settings;

namespace VmSim.Actors.Configuration;

/// <summary>A HOCON document as plain nodes, each knowing where it was written: a file's line, or an option.</summary>
internal sealed class SettingsTree
{
    private readonly string _origin;
    private readonly int _line;

    /// <summary>Makes a node: a text, a list, a block, or a value with references in it.</summary>
    internal SettingsTree(
        string origin,
        int line,
        string? text,
        List<SettingsTree>? items,
        SortedDictionary<string, SettingsTree>? keys,
        List<HoconPart>? parts = null)
    {
        _origin = origin;
        _line = line;
        Text = text;
        Items = items;
        Keys = keys;
        Parts = parts;
    }

    /// <summary>Where the value was written.</summary>
    public string Origin => _line > 0 ? $"{_origin}, line {_line}" : _origin;

    /// <summary>The line of its file; 0 if it comes from no file.</summary>
    internal int Line => _line;

    /// <summary>The text of a plain value; null for lists and blocks.</summary>
    public string? Text { get; }

    /// <summary>The items of a list; null for others.</summary>
    public List<SettingsTree>? Items { get; }

    /// <summary>The keys of a block, in alphabetical order; null for others.</summary>
    public SortedDictionary<string, SettingsTree>? Keys { get; }

    /// <summary>The pieces of a value that refers to others, while a document is read; null for others.</summary>
    internal List<HoconPart>? Parts { get; }

    /// <summary>The document with its references; null if it has none, and of parts of documents.</summary>
    internal SettingsTree? Unresolved { get; set; }

    /// <summary>Files that the document included; known of a whole document alone.</summary>
    public IReadOnlyList<string> Included { get; private set; } = [];

    /// <summary>What kind of value this is, for messages.</summary>
    public string Kind => Keys is not null ? "a block" : Items is not null ? "a list" : $"\"{Shown}\"";

    private string? Shown => Text is { Length: > 80 } ? Text[..80] + "..." : Text;

    /// <summary>An empty block.</summary>
    public static SettingsTree Empty(string origin) => new(origin, 0, null, null, new(StringComparer.Ordinal));

    /// <summary>A block with one plain value.</summary>
    public static SettingsTree Single(string origin, string key, string value)
    {
        SettingsTree tree = Empty(origin);
        tree.Keys!.Add(key, new SettingsTree(origin, 0, value, null, null));
        return tree;
    }

    /// <summary>Parses an option, or the text of a file that includes no others.</summary>
    /// <param name="text">The document.</param>
    /// <param name="origin">The option, or what the text is called.</param>
    /// <exception cref="ScenarioException">It is not HOCON.</exception>
    public static SettingsTree Parse(string text, string origin) =>
        HoconReader.Read(text, origin, null, isFile: !origin.StartsWith("--", StringComparison.Ordinal));

    /// <summary>Parses a file, and those that it includes.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="ScenarioException">It cannot be read, or is not HOCON.</exception>
    public static SettingsTree Load(string path)
    {
        HoconIncludes includes = new(path);
        SettingsTree tree = HoconReader.Read(TextFile.Read(path), path, includes, isFile: true);
        tree.Included = includes.Paths;
        return tree;
    }

    /// <summary>This tree with another laid over it: blocks are merged key by key, everything else is replaced.</summary>
    public SettingsTree With(SettingsTree over)
    {
        if (Keys is null || over.Keys is null)
        {
            return over;
        }

        SettingsTree merged = new(_origin, _line, null, null, new(StringComparer.Ordinal));
        foreach ((string key, SettingsTree value) in Keys)
        {
            merged.Keys!.Add(key, over.Keys.TryGetValue(key, out SettingsTree? other) ? value.With(other) : value);
        }

        foreach ((string key, SettingsTree value) in over.Keys)
        {
            merged.Keys!.TryAdd(key, value);
        }

        return merged;
    }

    /// <summary>The plain value of a key, or null.</summary>
    public string? Value(string key) => Keys is not null && Keys.TryGetValue(key, out SettingsTree? value) ? value.Text : null;

    /// <summary>The block of a key; an empty one if the key is not there.</summary>
    public SettingsTree Block(string key) => Keys is not null && Keys.TryGetValue(key, out SettingsTree? value) ? value : Empty(Origin);

    /// <summary>
    /// Puts a value below this block, which is being read: blocks that are there already take its keys, others make place.
    /// </summary>
    internal void Put(IReadOnlyList<string> path, SettingsTree value)
    {
        SettingsTree block = this;
        for (int i = 0; i < path.Count - 1; i++)
        {
            if (!block.Keys!.TryGetValue(path[i], out SettingsTree? inner) || inner.Keys is null)
            {
                inner = new SettingsTree(value._origin, value._line, null, null, new(StringComparer.Ordinal));
                block.Keys[path[i]] = inner;
            }

            block = inner;
        }

        if (value.Keys is not null && block.Keys!.TryGetValue(path[^1], out SettingsTree? old) && old.Keys is not null)
        {
            old.Merge(value);
        }
        else
        {
            block.Keys![path[^1]] = value;
        }
    }

    /// <summary>Puts the fields of another block into this one, which is being read.</summary>
    internal void Merge(SettingsTree block)
    {
        foreach ((string key, SettingsTree value) in block.Keys!)
        {
            Put([key], value);
        }
    }

    /// <summary>The same place with a text.</summary>
    internal SettingsTree WithText(string text) => new(_origin, _line, text, null, null);

    /// <summary>The same place with a list.</summary>
    internal SettingsTree WithItems(List<SettingsTree> items) => new(_origin, _line, null, items, null);

    /// <summary>The same place with a block.</summary>
    internal SettingsTree WithKeys(IEnumerable<KeyValuePair<string, SettingsTree>> keys)
    {
        SortedDictionary<string, SettingsTree> copy = new(StringComparer.Ordinal);
        foreach ((string key, SettingsTree value) in keys)
        {
            copy.Add(key, value);
        }

        return new SettingsTree(_origin, _line, null, null, copy);
    }
}
