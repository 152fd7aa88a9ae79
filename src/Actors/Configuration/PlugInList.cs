using VmSim.Core.Settings;

namespace VmSim.Actors.Configuration;

/// <summary>The plug-ins of a scenario, from its list of files.</summary>
internal static class PlugInList
{
    /// <summary>The key of the list.</summary>
    public const string Key = "plug-ins";

    private const string OldBlock = "memory";

    /// <summary>Loads the plug-ins that a scenario lists.</summary>
    /// <param name="tree">The scenario.</param>
    /// <param name="files">Where its files are.</param>
    /// <exception cref="ScenarioException">One cannot be loaded.</exception>
    public static PlugInSet Load(SettingsTree tree, IScenarioFiles files)
    {
        if (tree.Block(OldBlock).Keys?.GetValueOrDefault(Key) is { } old)
        {
            throw new ScenarioException(
                $"{old.Origin}: {OldBlock}.{Key}: plug-ins are listed at the top of a scenario now: {Key} = [ \"{old.Text}\" ]");
        }

        if (!tree.Keys!.TryGetValue(Key, out SettingsTree? list))
        {
            return PlugInSet.None;
        }

        if (list.Items is null || list.Items.Exists(item => string.IsNullOrEmpty(item.Text)))
        {
            throw new ScenarioException(
                $"{list.Origin}: {Key}: a list of files is needed, such as [ \"bin/MyPlugIns.dll\" ]; {list.Kind} found");
        }

        List<PlugIn> loaded = [];
        for (int i = 0; i < list.Items.Count; i++)
        {
            PlugIn plugIn = files.LoadPlugIn(list.Items[i].Text!, $"{list.Items[i].Origin}: {Key}[{i}]", loaded);
            if (!loaded.Exists(other => other.Path == plugIn.Path))
            {
                loaded.Add(plugIn);
            }
        }

        return new PlugInSet(loaded);
    }
}
