using System.Text;

namespace VmSim.Core.Settings;

/// <summary>Names of settings.</summary>
public static class SettingNames
{
    /// <summary>The key of a property: its name in lower case with a hyphen before each word.</summary>
    public static string KeyOf(string property)
    {
        StringBuilder key = new();
        for (int i = 0; i < property.Length; i++)
        {
            if (i > 0 && char.IsUpper(property[i]) && char.IsLower(property[i - 1]))
            {
                key.Append('-');
            }

            key.Append(char.ToLowerInvariant(property[i]));
        }

        return key.ToString();
    }
}
