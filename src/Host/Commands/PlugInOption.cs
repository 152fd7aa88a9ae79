using System.CommandLine;
using VmSim.Actors.Configuration;
using VmSim.Core.Settings;

namespace VmSim.Host.Commands;

/// <summary>The option that names assemblies of one's own.</summary>
internal static class PlugInOption
{
    private const string Name = "--plug-in";

    public static Option<string[]> Create() => new(Name)
    {
        Description = "Assembly with classes of your own; can be given several times.",
        HelpName = "FILE.dll",
        AllowMultipleArgumentsPerToken = false,
    };

    /// <summary>Loads the assemblies.</summary>
    /// <exception cref="ScenarioException">One cannot be loaded.</exception>
    public static PlugInSet Load(string[]? files)
    {
        List<PlugIn> loaded = [];
        foreach (string file in (files ?? []).Select(Path.GetFullPath).Distinct(StringComparer.Ordinal))
        {
            loaded.Add(PlugInFile.Load(file, Name, loaded));
        }

        return new PlugInSet(loaded);
    }
}
