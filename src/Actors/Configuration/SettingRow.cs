using VmSim.Core.Settings;

namespace VmSim.Actors.Configuration;

/// <summary>A setting as lists show it.</summary>
/// <param name="Key">Its key, with those of the blocks that it stands in.</param>
/// <param name="Summary">What it means.</param>
/// <param name="Allowed">What is allowed.</param>
/// <param name="Default">What holds when nothing is said.</param>
public sealed record SettingRow(string Key, string Summary, string Allowed, string Default)
{
    /// <summary>The values that have names, if there are no others; else empty.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>The settings of an object, those of its blocks included; what it has now are the defaults.</summary>
    /// <param name="target">The object.</param>
    /// <param name="path">What stands before its keys.</param>
    public static IEnumerable<SettingRow> Of(object target, string path)
    {
        ArgumentNullException.ThrowIfNull(target);
        foreach (SettingMember member in SettingMember.Of(target.GetType()).Where(member => !member.IsOwn))
        {
            object? value = member.Property.GetValue(target);
            string key = path + member.Key;
            IEnumerable<SettingRow> rows = member.Setting is { } setting
                ? [RowOf(key, member, setting, value)]
                : Of(value!, key + ".");
            foreach (SettingRow row in rows)
            {
                yield return row;
            }
        }
    }

    private static SettingRow RowOf(string key, SettingMember member, SettingAttribute setting, object? value)
    {
        Type type = member.Property.PropertyType;
        return new SettingRow(key, setting.Summary, SettingValues.Allowed(type, setting), SettingValues.Format(value, setting))
        {
            Names = SettingValues.NamesOf(type, setting),
        };
    }
}
