using System.Globalization;
using VmSim.Actors.Configuration;
using VmSim.Core.Scenarios;

namespace VmSim.Host.Sweeps;

/// <summary>The scenario of one run of a sweep.</summary>
internal static class SweepScenario
{
    private const string Cores = "machine.cores=";

    /// <summary>Loads a scenario.</summary>
    /// <param name="scenario">Its file.</param>
    /// <param name="sets">Settings over it.</param>
    /// <param name="fitsSockets">Whether a machine with fewer cores than sockets gets fewer sockets.</param>
    public static ScenarioSpec Load(string scenario, IReadOnlyList<string> sets, bool fitsSockets) =>
        ScenarioLoader.Load(scenario, Fit(scenario, sets, fitsSockets));

    /// <summary>Loads a scenario without its processes.</summary>
    public static ScenarioSpec LoadSettings(string scenario, IReadOnlyList<string> sets, bool fitsSockets) =>
        ScenarioLoader.LoadSettings(scenario, Fit(scenario, sets, fitsSockets));

    private static IReadOnlyList<string> Fit(string scenario, IReadOnlyList<string> sets, bool fitsSockets)
    {
        if (fitsSockets && sets.LastOrDefault(set => set.StartsWith(Cores, StringComparison.Ordinal)) is { } cores
            && int.TryParse(cores[Cores.Length..].Trim('"'), NumberStyles.None, CultureInfo.InvariantCulture, out int count))
        {
            string[] others = [.. sets.Where(set => !set.StartsWith(Cores, StringComparison.Ordinal))];
            if (ScenarioLoader.LoadSettings(scenario, others).Machine.Sockets > count && count > 0)
            {
                sets = [.. sets, string.Create(CultureInfo.InvariantCulture, $"machine.sockets={count}")];
            }
        }

        return sets;
    }
}
