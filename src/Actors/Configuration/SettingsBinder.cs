using System.Reflection;
using VmSim.Core.Settings;

namespace VmSim.Actors.Configuration;

/// <summary>
/// Fills records of settings from a tree: properties with a <see cref="SettingAttribute"/> are keys, records of such properties are blocks.
/// </summary>
/// <param name="ghz">The clock that turns time into cycles.</param>
internal sealed class SettingsBinder(double ghz)
{
    /// <summary>A copy of the defaults with what the tree says.</summary>
    /// <param name="defaults">The record.</param>
    /// <param name="tree">A block.</param>
    /// <param name="path">Keys that lead to the block, for messages.</param>
    /// <param name="others">Keys of the block that someone else reads.</param>
    /// <exception cref="ScenarioException">A key is unknown or a value not allowed.</exception>
    public object Bind(object defaults, SettingsTree tree, string path, params IReadOnlyList<string> others)
    {
        if (tree.Keys is null)
        {
            throw new ScenarioException($"{tree.Origin}: {path}: a block {{ ... }} is needed, {tree.Kind} found");
        }

        IReadOnlyList<SettingMember> members = SettingMember.Of(defaults.GetType());
        object result = Clone(defaults);
        foreach ((string key, SettingsTree value) in tree.Keys)
        {
            if (others.Contains(key))
            {
                continue;
            }

            string full = path.Length == 0 ? key : $"{path}.{key}";
            SettingMember? member = members.FirstOrDefault(candidate => candidate.Key == key)
                ?? throw SettingMember.Unknown($"{value.Origin}: {full}", key, members, others);
            object bound = member.IsOwn ? new OwnSettings(Flatten(value, full, ""))
                : member.Setting is null ? Bind(member.Property.GetValue(result)!, value, full)
                : ParseValue(value, member, full);
            member.Property.SetValue(result, bound);
        }

        return result;
    }

    /// <summary>The values of a block as they were written: what is allowed is known once what it belongs to is.</summary>
    private static IEnumerable<KeyValuePair<string, string>> Flatten(SettingsTree block, string path, string prefix)
    {
        if (block.Keys is null)
        {
            throw new ScenarioException($"{block.Origin}: {path}: a block {{ ... }} is needed, {block.Kind} found");
        }

        foreach ((string key, SettingsTree value) in block.Keys)
        {
            if (value.Text is { } text)
            {
                yield return new(prefix + key, text);
                continue;
            }

            foreach (KeyValuePair<string, string> inner in Flatten(value, $"{path}.{key}", $"{prefix}{key}."))
            {
                yield return inner;
            }
        }
    }

    private static object Clone(object record) =>
        record.GetType().GetMethod("<Clone>$", BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)!.Invoke(record, null)!;

    private object ParseValue(SettingsTree value, SettingMember member, string full)
    {
        Type type = member.Property.PropertyType;
        if (value.Text is { } text && SettingValues.TryParse(text, type, member.Setting!, ghz, out object? parsed))
        {
            return parsed!;
        }

        throw new ScenarioException($"{value.Origin}: {full}: {value.Kind} found; allowed: {SettingValues.Allowed(type, member.Setting!)}");
    }
}
