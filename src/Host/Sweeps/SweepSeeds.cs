using System.Globalization;
using VmSim.Core.Scenarios;
using VmSim.Host.Terminal;

namespace VmSim.Host.Sweeps;

/// <summary>Seeds of a sweep.</summary>
internal static class SweepSeeds
{
    /// <summary>The most seeds of a point.</summary>
    public const int Max = 10_000;

    /// <summary>Seeds that somebody lists.</summary>
    /// <exception cref="UsageException">One is none.</exception>
    public static IReadOnlyList<ulong> Of(IReadOnlyList<string> values, string where) => [.. values.Select(value =>
        ulong.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out ulong seed) && seed <= ScenarioSpec.MaxSeed
            ? seed
            : throw new UsageException($"{where}: seed \"{value}\" found; 0 to {ScenarioSpec.MaxSeed} is allowed"))];

    /// <summary>As many seeds as somebody says, from the scenario's own on.</summary>
    /// <exception cref="UsageException">It is no number.</exception>
    public static IReadOnlyList<ulong> Repeat(string count, SweepPlan plan, string where) =>
        int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number is >= 1 and <= Max
            ? Repeat(number, plan)
            : throw new UsageException($"{where}: repeat: \"{count}\" found; 1 to {Max} is allowed");

    /// <summary>As many seeds, from the scenario's own on.</summary>
    public static IReadOnlyList<ulong> Repeat(int count, SweepPlan plan)
    {
        ulong first = SweepScenario.LoadSettings(plan.Scenario, plan.Sets, fitsSockets: false).Seed;
        return [.. Enumerable.Range(0, count).Select(number => first + (ulong)number)];
    }
}
