using Akka.Configuration;
using Akka.Configuration.Hocon;
using VmSim.Core.Settings;

namespace VmSim.Actors.Configuration;

/// <summary>A HOCON document as plain nodes, each knowing where it was written: a file or an option.</summary>
internal sealed class SettingsTree
{
    private SettingsTree(string origin, string? text, List<SettingsTree>? items, SortedDictionary<string, SettingsTree>? keys)
    {
        Origin = origin;
        Text = text;
        Items = items;
        Keys = keys;
    }

    /// <summary>Where the value was written.</summary>
    public string Origin { get; }

    /// <summary>The text of a plain value; null for lists and blocks.</summary>
    public string? Text { get; }

    /// <summary>The items of a list; null for others.</summary>
    public List<SettingsTree>? Items { get; }

    /// <summary>The keys of a block, in alphabetical order; null for others.</summary>
    public SortedDictionary<string, SettingsTree>? Keys { get; }

    /// <summary>What kind of value this is, for messages.</summary>
    public string Kind => Keys is not null ? "a block" : Items is not null ? "a list" : $"\"{Text}\"";

    /// <summary>An empty block.</summary>
    public static SettingsTree Empty(string origin) => new(origin, null, null, new(StringComparer.Ordinal));

    /// <summary>A block with one plain value.</summary>
    public static SettingsTree Single(string origin, string key, string value)
    {
        SettingsTree tree = Empty(origin);
        tree.Keys!.Add(key, new SettingsTree(origin, value, null, null));
        return tree;
    }

    /// <summary>Parses HOCON.</summary>
    /// <param name="text">The document.</param>
    /// <param name="origin">Its file, or the option it comes from.</param>
    /// <exception cref="ScenarioException">It is not HOCON.</exception>
    public static SettingsTree Parse(string text, string origin)
    {
        try
        {
            HoconValue root = ConfigurationFactory.ParseString(text).Root;
            return root is null || root.IsEmpty ? Empty(origin) : From(root, origin);
        }
        catch (Exception reason) when (reason is not ScenarioException)
        {
            throw new ScenarioException($"{origin}: not HOCON: {reason.Message}", reason);
        }
    }

    /// <summary>This tree with another laid over it: blocks are merged key by key, everything else is replaced.</summary>
    public SettingsTree With(SettingsTree over)
    {
        if (Keys is null || over.Keys is null)
        {
            return over;
        }

        SettingsTree merged = Empty(Origin);
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

    private static SettingsTree From(HoconValue value, string origin)
    {
        if (value.IsObject())
        {
            SettingsTree block = Empty(origin);
            foreach ((string key, HoconValue item) in value.GetObject().Items)
            {
                block.Keys!.Add(key, From(item, origin));
            }

            return block;
        }

        return value.IsArray()
            ? new SettingsTree(origin, null, [.. value.GetArray().Select(item => From(item, origin))], null)
            : new SettingsTree(origin, value.GetString()?.Trim() ?? "", null, null);
    }
}
