using System.Reflection;
using VmSim.Core.Settings;

namespace VmSim.Actors.Configuration;

/// <summary>
/// Fills records of settings from a tree: properties with a <see cref="SettingAttribute"/> are keys, records of such properties are blocks.
/// </summary>
/// <param name="ghz">The clock that turns time into cycles.</param>
internal sealed class SettingsBinder(double ghz)
{
    private const BindingFlags Public = BindingFlags.Instance | BindingFlags.Public;

    /// <summary>A setting or block of a record.</summary>
    /// <param name="Key">Its key.</param>
    /// <param name="Property">The property.</param>
    /// <param name="Setting">What is allowed; null for a block.</param>
    public sealed record Member(string Key, PropertyInfo Property, SettingAttribute? Setting);

    /// <summary>The settings and blocks of a record, in the order in which it declares them.</summary>
    public static IReadOnlyList<Member> MembersOf(Type type)
    {
        List<Member> members = [];
        foreach (PropertyInfo property in type.GetProperties(Public).OrderBy(property => property.MetadataToken))
        {
            SettingAttribute? setting = property.GetCustomAttribute<SettingAttribute>();
            bool block = setting is null && property.CanWrite && property.PropertyType.IsClass && property.PropertyType != typeof(string)
                && !property.PropertyType.IsGenericType && HasSettings(property.PropertyType);
            if (setting is not null || block)
            {
                members.Add(new Member(SettingNames.KeyOf(property.Name), property, setting));
            }
        }

        return members;
    }

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

        IReadOnlyList<Member> members = MembersOf(defaults.GetType());
        object result = Clone(defaults);
        foreach ((string key, SettingsTree value) in tree.Keys)
        {
            if (others.Contains(key))
            {
                continue;
            }

            string full = path.Length == 0 ? key : $"{path}.{key}";
            Member? member = members.FirstOrDefault(candidate => candidate.Key == key)
                ?? throw Unknown(value.Origin, full, key, [.. members.Select(candidate => candidate.Key), .. others]);
            object bound = member.Setting is null
                ? Bind(member.Property.GetValue(result)!, value, full)
                : ParseValue(value, member, full);
            member.Property.SetValue(result, bound);
        }

        return result;
    }

    /// <summary>The message for a key that does not exist.</summary>
    public static ScenarioException Unknown(string origin, string full, string key, IReadOnlyList<string> allowed)
    {
        string? nearest = NearestName.Of(key, allowed);
        string hint = nearest is null ? $"allowed are {string.Join(", ", allowed)}" : $"did you mean {nearest}?";
        return new ScenarioException($"{origin}: {full}: there is no such setting; {hint}");
    }

    private static bool HasSettings(Type type) => type.GetProperties(Public).Any(property =>
        property.GetCustomAttribute<SettingAttribute>() is not null
            || (property.PropertyType != type && property.PropertyType.IsClass && property.CanWrite
            && property.PropertyType.Namespace?.StartsWith("VmSim.", StringComparison.Ordinal) == true
            && HasSettings(property.PropertyType)));

    private static object Clone(object record) =>
        record.GetType().GetMethod("<Clone>$", BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)!.Invoke(record, null)!;

    private object ParseValue(SettingsTree value, Member member, string full)
    {
        Type type = member.Property.PropertyType;
        if (value.Text is { } text && SettingValues.TryParse(text, type, member.Setting!, ghz, out object? parsed))
        {
            return parsed!;
        }

        throw new ScenarioException($"{value.Origin}: {full}: {value.Kind} found; allowed: {SettingValues.Allowed(type, member.Setting!)}");
    }
}
