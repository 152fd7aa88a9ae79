namespace VmSim.Actors.Configuration;

/// <summary>The profiles and scenarios of the config folder, each with the first line of its comment.</summary>
public static class ProfileCatalog
{
    /// <summary>Machine profiles.</summary>
    public static IEnumerable<(string Name, string Summary)> Machines => In("machines");

    /// <summary>Kernel profiles.</summary>
    public static IEnumerable<(string Name, string Summary)> Kernels => In("kernels");

    /// <summary>Scenarios.</summary>
    public static IEnumerable<(string Name, string Summary)> Scenarios => In("scenarios");

    private static IEnumerable<(string Name, string Summary)> In(string folder)
    {
        foreach (string name in ConfigFiles.NamesIn(folder))
        {
            string first = File.ReadLines(ConfigFiles.Find($"{folder}/{name}.conf")).FirstOrDefault() ?? "";
            yield return (name, first.TrimStart('#', ' '));
        }
    }
}
