using VmSim.Core.Settings;

namespace VmSim.Actors.Configuration;

/// <summary>A setting as lists show it.</summary>
/// <param name="Key">Its key, with those of the blocks that it stands in.</param>
/// <param name="Summary">What it means.</param>
/// <param name="Allowed">What is allowed.</param>
/// <param name="Default">What holds when nothing is said.</param>
public sealed record SettingRow(string Key, string Summary, string Allowed, string Default)
{
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
                ? [new(key, setting.Summary, AllowedBy(member, setting), SettingValues.Format(value, setting))]
                : Of(value!, key + ".");
            foreach (SettingRow row in rows)
            {
                yield return row;
            }
        }
    }

    private static string AllowedBy(SettingMember member, SettingAttribute setting) =>
        SettingValues.Allowed(member.Property.PropertyType, setting);
}
