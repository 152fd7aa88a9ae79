using System.Text;
using VmSim.Core.Settings;

namespace VmSim.Actors.Configuration;

/// <summary>A piece of a value that has references in it.</summary>
/// <param name="Text">Text, or the key that is referred to.</param>
/// <param name="Place">Where the reference stands; null for text.</param>
/// <param name="IsOptional">Whether nothing is meant if the key is not there.</param>
internal sealed record HoconPart(string Text, string? Place, bool IsOptional);

/// <summary>Puts values in the place of references to them, once a whole document is read.</summary>
/// <param name="root">The document.</param>
internal sealed class HoconReferences(SettingsTree root)
{
    private readonly HashSet<SettingsTree> _open = [];
    private readonly Dictionary<SettingsTree, SettingsTree> _done = [];
    private long _length;

    /// <summary>The document without references, which knows what it was with them.</summary>
    /// <exception cref="ScenarioException">A key is not there, refers to itself, or the values become too long.</exception>
    public SettingsTree Resolve()
    {
        SettingsTree resolved = Resolve(root);
        resolved.Unresolved = root;
        return resolved;
    }

    private SettingsTree Resolve(SettingsTree tree)
    {
        if (tree.Text is not null)
        {
            return tree;
        }

        if (_done.TryGetValue(tree, out SettingsTree? done))
        {
            return done;
        }

        SettingsTree resolved = tree.Parts is { } parts ? Join(tree, parts)
            : tree.Items is { } items ? tree.WithItems([.. items.Select(Resolve)])
            : tree.WithKeys(tree.Keys!.Select(item => new KeyValuePair<string, SettingsTree>(item.Key, Resolve(item.Value))));
        _done[tree] = resolved;
        return resolved;
    }

    private SettingsTree Join(SettingsTree tree, List<HoconPart> parts)
    {
        if (parts is [{ Text: "" }, { Place: not null } only, { Text: "" }] && Find(only) is { } value)
        {
            return value;
        }

        StringBuilder text = new();
        foreach (HoconPart part in parts)
        {
            string? piece = part.Place is null ? part.Text : Find(part) is { } found
                ? found.Text ?? throw new ScenarioException(
                    $"{part.Place}: ${{{part.Text}}} is {found.Kind}, which cannot be a part of a text")
                : "";
            text.Append(piece);
            _length += piece.Length;
            if (_length > HoconReader.MaxLength)
            {
                throw new ScenarioException(
                    $"{tree.Origin}: the texts of references come to more than {HoconReader.MaxLength:N0} characters");
            }
        }

        return tree.WithText(text.ToString().Trim());
    }

    private SettingsTree? Find(HoconPart reference)
    {
        if (_open.Count >= HoconReader.MaxDepth)
        {
            throw new ScenarioException($"{reference.Place}: more than {HoconReader.MaxDepth} references lead from one to the next");
        }

        SettingsTree? found = root;
        foreach (string key in reference.Text.Split('.'))
        {
            found = found.Parts is not null ? Follow(found, reference) : found;
            if (found.Keys is null || !found.Keys.TryGetValue(key.Trim().Trim('"'), out found))
            {
                return reference.IsOptional
                    ? null
                    : throw new ScenarioException(
                        $"{reference.Place}: ${{{reference.Text}}}: there is no such key; ${{?{reference.Text}}} allows that");
            }
        }

        return Follow(found, reference);
    }

    private SettingsTree Follow(SettingsTree found, HoconPart reference)
    {
        if (!_open.Add(found))
        {
            throw new ScenarioException($"{reference.Place}: ${{{reference.Text}}} refers to itself");
        }

        SettingsTree resolved = Resolve(found);
        _open.Remove(found);
        return resolved;
    }
}
