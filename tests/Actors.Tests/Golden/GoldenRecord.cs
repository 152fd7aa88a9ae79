using System.Globalization;
using System.Text;
using VmSim.Actors.Configuration;
using VmSim.Core.Engine;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;

namespace VmSim.Actors.Tests.Golden;

/// <summary>
/// What a scenario or trace gives under one protocol: outcome, fingerprint and totals by name, as lines of text that a difference can be
/// read from.
/// </summary>
internal static class GoldenRecord
{
    /// <summary>Runs a scenario and writes down what it gives.</summary>
    /// <param name="path">The scenario or trace.</param>
    /// <param name="settings">Settings, <c>key=value</c>.</param>
    public static string Of(string path, params string[] settings)
    {
        ScenarioSpec scenario = ScenarioLoader.Load(path, settings);
        using World world = new(scenario);
        RunReport report = ReportBuilder.Build(world, new SequentialEngine(world).Run());
        StringBuilder text = new();
        Line("settings", string.Join(' ', settings));
        Line("outcome", report.Outcome);
        Line("fingerprint", report.Fingerprint);
        foreach ((string name, long value) in report.Totals)
        {
            Line(name, value.ToString(CultureInfo.InvariantCulture));
        }

        return text.ToString();

        void Line(string name, string value) => text.Append(name).Append(' ').Append(value).Append('\n');
    }
}
