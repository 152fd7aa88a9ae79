using VmSim.Core.Memory;

namespace VmSim.Core.Scenarios;

/// <summary>From a scenario's memory section to the options of a process's memory.</summary>
public static class MemoryOptions
{
    /// <summary>The patterns of <see cref="MemorySpec.Folios"/> that count for no file of the scenario's processes.</summary>
    public static IReadOnlyList<string> UnusedFolios(this ScenarioSpec scenario)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        return scenario.Memory.Folios.Length == 0
            ? []
            : scenario.Memory.ToOptions().Folios.Unused(
                scenario.Processes.SelectMany(process => process.Program(0).Files).Select(file => file.Path));
    }

    /// <summary>The options that the section asks for.</summary>
    public static VirtualMemoryOptions ToOptions(this MemorySpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        return new VirtualMemoryOptions
        {
            ZeroPage = spec.ZeroPage,
            FaultAroundBytes = spec.FaultAround,
            WarmPageCache = spec.WarmPageCache,
            Folios = FolioSizes.Parse(spec.Folio, spec.Folios, "memory.folios"),
            Anonymous = spec.Anonymous,
            MaxAreas = spec.MapCountLimit,
            Overcommit = spec.Overcommit switch
            {
                "always" => Overcommit.Always,
                "never" => Overcommit.Never,
                _ => Overcommit.Heuristic,
            },
            OvercommitRatio = spec.OvercommitRatio,
            StackLimitBytes = spec.StackLimit,
            TransparentHugePages = spec.TransparentHugePages switch
            {
                "always" => TransparentHugePages.Always,
                "madvise" => TransparentHugePages.Madvise,
                _ => TransparentHugePages.Never,
            },
        };
    }
}
