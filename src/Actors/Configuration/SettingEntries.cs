using VmSim.Core.Settings;

namespace VmSim.Actors.Configuration;

/// <summary>A value of a settings file, as it was written.</summary>
/// <param name="Key">The keys that lead to it, with dots between them; a key that has dots itself stands in quotes.</param>
/// <param name="Values">The value, or the values of a list.</param>
/// <param name="IsList">Whether it is a list.</param>
/// <param name="Origin">Where it was written.</param>
public sealed record SettingEntry(string Key, IReadOnlyList<string> Values, bool IsList, string Origin);

/// <summary>Settings files as flat lists, for those who read other things than scenarios from them, or compare scenarios.</summary>
public static class SettingEntries
{
    /// <summary>
    /// The values of a file, in the order of their lines. Blocks in lists are followed by their number: <c>processes.0.threads</c>.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <exception cref="ScenarioException">It cannot be read, is not HOCON, or has a list in a list.</exception>
    public static IReadOnlyList<SettingEntry> Load(string path) => Of(SettingsTree.Load(path));

    /// <summary>The values of a text, as <see cref="Load"/> gives those of a file.</summary>
    /// <param name="text">The text.</param>
    /// <param name="origin">What to call it in messages.</param>
    /// <exception cref="ScenarioException">It is not HOCON, or has a list in a list.</exception>
    public static IReadOnlyList<SettingEntry> Parse(string text, string origin) => Of(SettingsTree.Parse(text, origin));

    /// <summary>The values below a block.</summary>
    internal static IReadOnlyList<SettingEntry> Of(SettingsTree block)
    {
        List<(int Line, SettingEntry Entry)> found = [];
        Add(block, "", found);

        // A stable sort: values of one line stay in the order of their keys.
        return [.. found.OrderBy(item => item.Line).Select(item => item.Entry)];
    }

    private static void Add(SettingsTree node, string key, List<(int Line, SettingEntry Entry)> found)
    {
        if (node.Keys is { } keys)
        {
            foreach ((string name, SettingsTree value) in keys)
            {
                Add(value, key.Length == 0 ? InQuotes(name) : $"{key}.{InQuotes(name)}", found);
            }
        }
        else if (node.Items is not { } items)
        {
            found.Add((node.Line, new SettingEntry(key, [node.Text ?? ""], false, node.Origin)));
        }
        else if (items.TrueForAll(item => item.Text is not null))
        {
            found.Add((node.Line, new SettingEntry(key, [.. items.Select(item => item.Text!)], true, node.Origin)));
        }
        else
        {
            for (int i = 0; i < items.Count; i++)
            {
                if (items[i].Keys is null)
                {
                    throw new ScenarioException($"{items[i].Origin}: {key}: {items[i].Kind} found beside a block; blocks are needed");
                }

                Add(items[i], FormattableString.Invariant($"{key}.{i}"), found);
            }
        }
    }

    private static string InQuotes(string key) =>
        key.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_') ? key : SettingValues.InQuotes(key);
}
