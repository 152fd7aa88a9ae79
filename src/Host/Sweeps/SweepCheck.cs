using VmSim.Actors.Configuration;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Host.Terminal;

namespace VmSim.Host.Sweeps;

/// <summary>Finds out before the first run what is wrong with a sweep.</summary>
internal static class SweepCheck
{
    private const string Processes = "processes";

    /// <summary>Tries each value of each setting once; gives the figures that suit the scenario where the sweep names none.</summary>
    /// <exception cref="ScenarioException">A setting or value is not allowed, or a figure is unknown.</exception>
    /// <exception cref="UsageException">A setting is varied twice, or the baseline is not in the sweep.</exception>
    public static SweepPlan Complete(SweepPlan plan)
    {
        string? twice = plan.Axes.SelectMany(axis => axis.Keys).GroupBy(key => key, StringComparer.Ordinal)
            .FirstOrDefault(group => group.Count() > 1)?.Key;
        if (twice is not null)
        {
            throw new UsageException($"{twice} is varied twice; a sweep varies a setting once");
        }

        if (plan.Axes.Any(axis => axis.Keys.Contains("seed")))
        {
            throw new UsageException("seed is varied as a setting; --repeat N, or seeds = 1..5 in a file, has runs of several seeds");
        }

        ScenarioSpec first = SweepScenario.Load(plan.Scenario, plan.Points()[0].Sets(plan), plan.FitsSockets);
        for (int axis = 0; axis < plan.Axes.Count; axis++)
        {
            foreach (IReadOnlyList<string> row in plan.Axes[axis].Rows)
            {
                Try(plan, axis, row);
            }
        }

        foreach ((string key, string value) in plan.Baseline)
        {
            SweepAxis axis = plan.Axes[plan.AxisOf(key, "baseline")];
            int column = axis.Keys.ToList().IndexOf(key);
            if (axis.Rows.All(row => row[column] != value))
            {
                throw new UsageException(
                    $"baseline: {key}={value} found; the sweep has {string.Join(", ", axis.Rows.Select(row => row[column]))}");
            }
        }

        string[] named = [.. plan.Metrics, .. plan.Expect.Select(expected => expected.Metric)];
        IEnumerable<string> known = ReportMetrics.BuiltIn.Select(metric => metric.Name);
        if (first.PlugIns.Count == 0 && Array.Find(named, name => !known.Contains(name)) is { } unknown)
        {
            throw ReportMetrics.Unknown(plan.Metrics.Contains(unknown) ? "metric" : Expectations.Key, unknown, known);
        }

        string length = first.Until > 0 ? "accesses" : "cycles";
        return plan.Metrics.Count > 0 ? plan : plan with { Metrics = [length, "coreCycles.shootdownWait", "ipisSent"] };
    }

    /// <summary>
    /// Tries a value beside the first values of the other settings; if that is not allowed, beside their last ones, since it may be the
    /// combination that is not.
    /// </summary>
    private static void Try(SweepPlan plan, int axis, IReadOnlyList<string> row)
    {
        try
        {
            Load(plan, PointOf(plan, axis, row, rows => rows[0]));
        }
        catch (ScenarioException)
        {
            if (plan.Axes.Count == 1)
            {
                throw;
            }

            Load(plan, PointOf(plan, axis, row, rows => rows[^1]));
        }
    }

    private static SweepPoint PointOf(
        SweepPlan plan, int axis, IReadOnlyList<string> row, Func<IReadOnlyList<IReadOnlyList<string>>, IReadOnlyList<string>> others) =>
        new([.. plan.Axes.Select((other, index) => index == axis ? row : others(other.Rows))], null);

    private static void Load(SweepPlan plan, SweepPoint point)
    {
        IReadOnlyList<string> sets = point.Sets(plan);
        bool isOfProcess = plan.Axes.Any(axis => axis.Keys.Any(key => key.StartsWith(Processes, StringComparison.Ordinal)));
        _ = isOfProcess
            ? SweepScenario.Load(plan.Scenario, sets, plan.FitsSockets)
            : SweepScenario.LoadSettings(plan.Scenario, sets, plan.FitsSockets);
    }
}
