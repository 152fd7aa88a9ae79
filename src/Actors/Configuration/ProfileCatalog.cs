using VmSim.Core.Settings;

namespace VmSim.Actors.Configuration;

/// <summary>A file of the config folder that is named without its ending.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Path">Where it is.</param>
public sealed record ConfigProfile(string Name, string Path) : INamed
{
    /// <summary>The first sentence of the comment that the file begins with.</summary>
    public string Summary
    {
        get
        {
            List<string> lines = [];
            foreach (string line in File.ReadLines(Path).TakeWhile(line => line.StartsWith('#')))
            {
                lines.Add(line.TrimStart('#', ' '));
                if (line.EndsWith('.') || line.Contains(". ", StringComparison.Ordinal))
                {
                    break;
                }
            }

            string text = string.Join(' ', lines);
            int end = text.IndexOf(". ", StringComparison.Ordinal);
            return end < 0 ? text : text[..(end + 1)];
        }
    }
}

/// <summary>The profiles and scenarios of the config folder, as they are there now.</summary>
public static class ProfileCatalog
{
    /// <summary>Machine profiles.</summary>
    public static Registry<ConfigProfile> Machines => In("machines", "machine profile");

    /// <summary>Kernel profiles.</summary>
    public static Registry<ConfigProfile> Kernels => In("kernels", "kernel profile");

    /// <summary>Scenarios.</summary>
    public static Registry<ConfigProfile> Scenarios => In("scenarios", "scenario");

    private static Registry<ConfigProfile> In(string folder, string what) =>
        new(what, ConfigFiles.NamesIn(folder).Select(name => new ConfigProfile(name, ConfigFiles.Find($"{folder}/{name}.conf"))));
}
