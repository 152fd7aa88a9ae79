using System.Collections;

namespace VmSim.Core.Settings;

/// <summary>The plug-ins of a scenario. Immutable.</summary>
public sealed class PlugInSet : IReadOnlyList<PlugIn>
{
    private readonly PlugIn[] _plugIns;

    /// <summary>Makes a set.</summary>
    /// <param name="plugIns">The plug-ins, in the order in which the scenario lists them.</param>
    /// <exception cref="ScenarioException">Two have the same assembly name, so that a class's name could mean either.</exception>
    public PlugInSet(IEnumerable<PlugIn> plugIns)
    {
        ArgumentNullException.ThrowIfNull(plugIns);
        _plugIns = [.. plugIns];
        for (int i = 1; i < _plugIns.Length; i++)
        {
            if (Array.Find(_plugIns[..i], other => other.Name == _plugIns[i].Name) is { } twin)
            {
                throw new ScenarioException(
                    $"{_plugIns[i]}: its assembly is called \"{twin.Name}\", as that of {twin} is; list one of them, or give one "
                        + $"another name");
            }
        }
    }

    /// <summary>No plug-ins.</summary>
    public static PlugInSet None { get; } = new([]);

    /// <inheritdoc/>
    public int Count => _plugIns.Length;

    /// <inheritdoc/>
    public PlugIn this[int index] => _plugIns[index];

    /// <summary>The plug-in with an assembly name; null if there is none.</summary>
    public PlugIn? Find(string name) => Array.Find(_plugIns, plugIn => plugIn.Name == name);

    /// <inheritdoc/>
    public IEnumerator<PlugIn> GetEnumerator() => ((IEnumerable<PlugIn>)_plugIns).GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
