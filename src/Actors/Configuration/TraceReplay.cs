using VmSim.Core.Addresses;
using VmSim.Core.Settings;

namespace VmSim.Actors.Configuration;

/// <summary>How a trace is replayed: the settings of a process that has a trace.</summary>
public sealed record TraceReplay
{
    private const int MaxCores = 65_536;

    /// <summary>Cycles computed after each reference.</summary>
    [Setting("Computing after each reference of the trace, which does not tell what the program computed.", Unit = SettingUnit.Cycles,
        Min = 0, Max = 1e9)]
    public long Compute { get; init; }

    /// <summary>The cores that threads are pinned to.</summary>
    [Setting("Cores that threads are pinned to in the order in which they are made, and again from the first: \"0-3,8\"; empty leaves "
        + "it to threads.placement.")]
    public string Cores { get; init; } = "";

    /// <summary>Whether a damaged trace is used up to the damage.</summary>
    [Setting("Whether a damaged trace is used up to the damage.")]
    public bool Salvage { get; init; }

    /// <summary>Whether what was mapped before the program's first instruction is mapped.</summary>
    [Setting("Whether what was mapped before the program's first instruction is mapped at start; off reports every use of it as a "
        + "fault on an address that is not mapped.")]
    public bool InitialMaps { get; init; } = true;

    /// <summary>Whether each copy runs at addresses of its own.</summary>
    [Setting("Whether each copy runs at addresses of its own (program, heap, mappings and stack each moved as far as Linux moves them, "
        + "drawn from the seed); off keeps those of the trace, unless noise.aslr is on.")]
    public bool Aslr { get; init; }

    /// <summary>The cores of the list, one by one.</summary>
    /// <param name="key">The setting's key, for messages.</param>
    /// <param name="machineCores">Cores of the machine.</param>
    /// <exception cref="ScenarioException">It is no list of cores of the machine.</exception>
    public IReadOnlyList<CoreId> CoreIds(string key, int machineCores)
    {
        if (CoreList.TryParse(Cores, out CoreList? cores, out string wrong) && cores.Greatest < machineCores && cores.Count <= MaxCores)
        {
            return [.. cores.Cores];
        }

        throw new ScenarioException($"{key}: \"{(wrong.Length > 0 ? wrong : Cores)}\" found; allowed: cores and ranges of cores from 0 to "
            + $"{machineCores - 1}, such as \"0-3,8\"");
    }
}
