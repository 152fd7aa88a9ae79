using System.Reflection;

namespace VmSim.Core.Settings;

/// <summary>
/// A setting of a class, or a block of settings: a property that holds an object with settings, or those of something that another setting
/// names.
/// </summary>
/// <param name="Key">Its key: the property's name in kebab-case.</param>
/// <param name="Property">The property.</param>
/// <param name="Setting">What is allowed; null for a block.</param>
public sealed record SettingMember(string Key, PropertyInfo Property, SettingAttribute? Setting)
{
    private const BindingFlags Public = BindingFlags.Instance | BindingFlags.Public;

    /// <summary>Whether it is the block of what something named brings along.</summary>
    public bool IsOwn => Property.PropertyType == typeof(OwnSettings);

    /// <summary>
    /// The settings and blocks of a class: those of base classes of another assembly first, the others in the order of their declaration.
    /// </summary>
    public static IReadOnlyList<SettingMember> Of(Type type)
    {
        ArgumentNullException.ThrowIfNull(type);
        List<SettingMember> members = [];
        IEnumerable<PropertyInfo> properties = type.GetProperties(Public)
            .OrderBy(property => property.Module == type.Module).ThenBy(property => property.MetadataToken);
        foreach (PropertyInfo property in properties)
        {
            SettingAttribute? setting = property.GetCustomAttribute<SettingAttribute>();
            if (setting is not null || IsBlock(property, [type]))
            {
                members.Add(new SettingMember(SettingNames.KeyOf(property.Name), property, setting));
            }
        }

        return members;
    }

    /// <summary>The exception for a key that does not exist.</summary>
    /// <param name="where">The key as it was written, with where it stands.</param>
    /// <param name="key">Its last part.</param>
    /// <param name="members">The settings and blocks that there are; a key of one of the blocks may have been meant.</param>
    /// <param name="others">Further keys that there are.</param>
    public static ScenarioException Unknown(
        string where, string key, IReadOnlyList<SettingMember> members, params IReadOnlyList<string> others)
    {
        ArgumentNullException.ThrowIfNull(members);
        IReadOnlyList<string> allowed = [.. members.Select(member => member.Key), .. others];
        IEnumerable<string> inner = members.Where(member => member is { Setting: null, IsOwn: false })
            .SelectMany(block => Of(block.Property.PropertyType).Select(member => $"{block.Key}.{member.Key}"));
        string hint = NearestName.Of(key, allowed.Concat(inner)) is { } nearest ? $"did you mean {nearest}?"
            : allowed.Count == 0 ? "there are none here" : $"allowed are {string.Join(", ", allowed)}";
        return new ScenarioException($"{where}: there is no such setting; {hint}");
    }

    private static bool IsBlock(PropertyInfo property, HashSet<Type> above)
    {
        Type type = property.PropertyType;
        bool isOwnClass = property.CanWrite && type.IsClass && !type.IsGenericType && type.Namespace is { } room
            && room != nameof(System) && !room.StartsWith("System.", StringComparison.Ordinal);
        return isOwnClass && (type == typeof(OwnSettings)
            || (above.Add(type) && type.GetProperties(Public).Any(
                inner => inner.GetCustomAttribute<SettingAttribute>() is not null || IsBlock(inner, above))));
    }
}
