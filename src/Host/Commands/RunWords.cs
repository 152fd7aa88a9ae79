using VmSim.Actors.Running;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Host.Hosting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary>What a run says of itself with <c>--verbose</c>.</summary>
/// <param name="to">Where it says it.</param>
internal sealed class RunWords(TextWriter to)
{
    /// <summary>What will be simulated, and how.</summary>
    /// <param name="scenario">The scenario.</param>
    /// <param name="options">How it is carried out.</param>
    /// <param name="inputs">Files that it is read from.</param>
    public void Begin(ScenarioSpec scenario, RunOptions options, IReadOnlyList<string> inputs)
    {
        foreach (FileInfo file in inputs.Distinct(StringComparer.Ordinal).Select(path => new FileInfo(path)).Where(file => file.Exists))
        {
            Say($"reads {RunDigest.FromHere(file.FullName)}, {Quantities.Bytes(file.Length)}");
        }

        string cores = Quantities.Of(scenario.Machine.Cores, "core");
        Say($"machine {scenario.Machine.Name}: {cores} at {scenario.Machine.Ghz} GHz, kernel {scenario.Kernel.Name}, "
            + $"protocol {scenario.Shootdown.Protocol}");
        string check = options.Check || scenario.IsChecked ? ", with the checker" : "";
        Say($"simulates {Quantities.Of(scenario.Processes.Count, "process", "processes")} on "
            + $"{Quantities.Of(options.EffectiveThreads, "host thread")}{check}");
    }

    /// <summary>What it took.</summary>
    public void Simulated(RunReport report)
    {
        if (report.Host is { } host)
        {
            Say($"simulated {Quantities.Of(host.Windows, "window")} of at most {Quantities.Of(host.WindowCycles.Value, "cycle")} in "
                + $"{Quantities.Seconds(host.WallSeconds)}, {Quantities.Seconds(host.CpuSeconds)} of processor time, "
                + $"{Quantities.Bytes(host.PeakMemoryBytes)} of memory at most");
        }
    }

    /// <summary>A file or folder is written.</summary>
    public void Wrote(string path) => Say($"wrote {path}");

    private void Say(string text) => to.WriteLine($"vmsim: {PlainWriter.Line(text)}");
}
