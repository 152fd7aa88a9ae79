using VmSim.Core.Settings;

namespace VmSim.Actors.Configuration;

/// <summary>Finds profiles that are named where settings of the machine or the kernel stand, and says where they are named.</summary>
internal static class ProfileKeys
{
    /// <summary>
    /// Keys of a block from which it is taken for a whole one: those of effective.conf are more, those of a person fewer.
    /// </summary>
    private const int WholeBlock = 8;

    private static readonly string[] LikelyKeys = ["name", "profile", "model"];

    /// <summary>Looks at a scenario before profiles are laid under it.</summary>
    /// <exception cref="ScenarioException">A profile is named in the wrong place.</exception>
    public static void Check(SettingsTree scenario)
    {
        Check(scenario, "machine", ProfileCatalog.Machines);
        Check(scenario, "kernel", ProfileCatalog.Kernels);
    }

    private static void Check(SettingsTree scenario, string block, Registry<ConfigProfile> profiles)
    {
        SettingsTree found = scenario.Block(block);
        (SettingsTree tree, string key) = found.Keys is { } keys && Array.Find(LikelyKeys, keys.ContainsKey) is { } likely
            ? (keys[likely], $"{block}.{likely}")
            : (found, block);

        // A machine may have a name of its own, and effective.conf writes the profile's with everything else.
        bool isName = key == $"{block}.name" && (found.Keys!.Count >= WholeBlock || profiles.Find(tree.Text ?? "") is null);
        if (!isName && tree.Text is { } name)
        {
            string meant = profiles.Find(name) is not null ? name : NearestName.Of(name, profiles.Names) ?? profiles.Names[0];
            throw new ScenarioException($"{tree.Origin}: {key}: {tree.Kind} found; a profile is named by {block}-profile = {meant}");
        }
    }
}
