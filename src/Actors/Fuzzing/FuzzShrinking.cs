using System.Globalization;

namespace VmSim.Actors.Fuzzing;

/// <summary>Scenarios that are a little smaller than one that fails: first without a part of it, then with smaller numbers.</summary>
internal static class FuzzShrinking
{
    /// <summary>What a process has many or few of.</summary>
    private static readonly string[] Amounts = ["count", "threads", "iterations", "pages", "accesses", "run-length"];

    /// <summary>Smaller scenarios, the most promising first.</summary>
    public static IEnumerable<FuzzScenario> Smaller(FuzzScenario scenario)
    {
        for (int i = 0; scenario.Processes.Count > 1 && i < scenario.Processes.Count; i++)
        {
            yield return scenario with { Processes = Without(scenario.Processes, i) };
        }

        for (int i = 0; i < scenario.Settings.Count; i++)
        {
            yield return scenario with { Settings = Without(scenario.Settings, i) };
        }

        for (int i = 0; i < scenario.Processes.Count; i++)
        {
            for (int line = 1; line < scenario.Processes[i].Count; line++)
            {
                yield return With(scenario, i, Without(scenario.Processes[i], line));
            }
        }

        for (int i = 0; i < scenario.Processes.Count; i++)
        {
            for (int line = 1; line < scenario.Processes[i].Count; line++)
            {
                foreach (string smaller in SmallerLines(scenario.Processes[i][line]))
                {
                    int at = line;
                    yield return With(scenario, i, [.. scenario.Processes[i].Select((each, index) => index == at ? smaller : each)]);
                }
            }
        }
    }

    /// <summary>A line with a smaller amount, or with fewer kinds of operations.</summary>
    private static IEnumerable<string> SmallerLines(string line)
    {
        string[] parts = line.Split(" = ");
        if (parts.Length != 2)
        {
            yield break;
        }

        if (Amounts.Contains(parts[0]) && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out long amount))
        {
            foreach (long smaller in new[] { 1, amount / 2, amount - 1 }.Where(smaller => smaller >= 1 && smaller < amount).Distinct())
            {
                yield return string.Create(CultureInfo.InvariantCulture, $"{parts[0]} = {smaller}");
            }
        }

        string[] kinds = parts[0] == "operations" ? parts[1].Trim('"').Split(' ') : [];
        for (int i = 0; kinds.Length > 1 && i < kinds.Length; i++)
        {
            yield return $"{parts[0]} = \"{string.Join(' ', kinds.Where((_, kind) => kind != i))}\"";
        }
    }

    private static FuzzScenario With(FuzzScenario scenario, int process, IReadOnlyList<string> lines) =>
        scenario with { Processes = [.. scenario.Processes.Select((each, index) => index == process ? lines : each)] };

    private static List<T> Without<T>(IReadOnlyList<T> items, int index) => [.. items.Where((_, i) => i != index)];
}
