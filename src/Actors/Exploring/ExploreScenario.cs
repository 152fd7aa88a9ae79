using System.Globalization;
using System.Text;
using VmSim.Actors.Configuration;
using VmSim.Core.Exploring;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Actors.Exploring;

/// <summary>The scenario of generated worlds, as the lines of its file.</summary>
/// <param name="Protocol">The shootdown protocol.</param>
/// <param name="Size">How large worlds are.</param>
/// <param name="Spaces">Address spaces: the first does the steps, the others take turns with it on every core.</param>
/// <param name="Memory">What is mapped: a choice of <see cref="ScriptProgram.Memory"/>.</param>
public sealed record ExploreScenario(string Protocol, WorldSize Size, int Spaces, string Memory)
{
    /// <summary>
    /// A turn of a thread where two spaces share the cores: a few calls long, so that switches fall into the scripts. Calibrated on scripts
    /// of up to three steps.
    /// </summary>
    private const int SliceCycles = 12_000;

    /// <summary>
    /// What the threads of the other spaces do, by core; where there are fewer parts than cores, it begins again with the first. Empty for
    /// a pause of a turn and a load of page 0.
    /// </summary>
    public IReadOnlyList<IReadOnlyList<ScriptStep>> Others { get; init; } = [];

    /// <summary>The most address spaces: more than tags of most protocols.</summary>
    public const int SpacesMax = 16;

    /// <summary>The file of one world.</summary>
    /// <param name="threads">The steps of the threads of its first process.</param>
    /// <param name="schedule">Which messages come later; empty for none.</param>
    public string Text(IReadOnlyList<IReadOnlyList<ScriptStep>> threads, string schedule = "")
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"name = explore-{Protocol}\n");
        text.Append(CultureInfo.InvariantCulture, $"machine.cores = {Size.Cores}\n");
        text.Append("machine.sockets = 1\n");
        text.Append(CultureInfo.InvariantCulture, $"shootdown.protocol = {Protocol}\n");
        text.Append("shootdown.hypothetical = on\n");
        text.Append("check = on\n");
        if (Spaces > 1)
        {
            text.Append(CultureInfo.InvariantCulture, $"kernel.time-slice-cycles = {SliceCycles}\n");
        }

        if (schedule.Length > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"schedule = {SettingValues.InQuotes(schedule)}\n");
        }

        text.Append("processes = [\n");
        ScriptProgram program = new() { Pages = Size.Pages, Memory = Memory };
        WriteProcess(text, "p", program, threads);
        IReadOnlyList<IReadOnlyList<ScriptStep>> others =
            Others.Count > 0 ? Others : [[new(ScriptVerb.Pause, SliceCycles, 0), new(ScriptVerb.Load, 0, 1)]];
        for (int space = 1; space < Spaces; space++)
        {
            WriteProcess(
                text, NameOf(space), program, [.. Enumerable.Range(0, Size.Cores).Select(core => others[core % others.Count])]);
        }

        return text.Append("]\n").ToString();
    }

    /// <summary>Writes a process that runs a script into a scenario's list.</summary>
    /// <param name="text">The scenario's file.</param>
    /// <param name="name">The process's name.</param>
    /// <param name="program">How the script is built; its text does not count.</param>
    /// <param name="threads">The steps of its threads.</param>
    public static void WriteProcess(
        StringBuilder text, string name, ScriptProgram program, IReadOnlyList<IReadOnlyList<ScriptStep>> threads)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(program);
        string touched = program.Touched ? "" : ", touched = off";
        text.Append(CultureInfo.InvariantCulture, $"  {{ name = {name}, program = script, pages = {program.Pages}, ");
        text.Append(CultureInfo.InvariantCulture, $"memory = {program.Memory}{touched},\n");
        text.Append(CultureInfo.InvariantCulture, $"    script = {SettingValues.InQuotes(ScriptStep.Format(threads))} }}\n");
    }

    /// <summary>A world without steps, whose threads every generated world replaces.</summary>
    /// <param name="sets">Settings that come last, each key=value.</param>
    /// <exception cref="ScenarioException">Settings are not allowed.</exception>
    public SmallWorld Load(IReadOnlyList<string> sets)
    {
        ScenarioSpec scenario = ScenarioLoader.Parse(Text([[]]), "explore", Directory.GetCurrentDirectory(), sets);
        return new SmallWorld(scenario, new ScriptProgram { Pages = Size.Pages, Memory = Memory }, []);
    }

    private static string NameOf(int space) => ((char)('p' + (space % 10))).ToString() + (space < 10 ? "" : "2");

    /// <summary>A scenario as a small world: if its only process is a script, its steps can be delayed and left out.</summary>
    public static SmallWorld WorldOf(ScenarioSpec scenario)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        Dictionary<string, string> settings = new(scenario.Processes[0].Settings, StringComparer.Ordinal);
        if (settings.GetValueOrDefault("program") != "script" || scenario.Processes.Count != 1 || scenario.Processes[0].Count != 1
            || settings["threads"] != "1")
        {
            return new SmallWorld(scenario, new ScriptProgram(), []);
        }

        ScriptProgram program = new()
        {
            Pages = long.Parse(settings["pages"].Split(' ')[0], CultureInfo.InvariantCulture),
            Script = settings["script"],
            Memory = settings["memory"],
            Touched = settings["touched"] is "on" or "true",
        };
        return new SmallWorld(scenario, program, ScriptStep.Parse(program.Script, program.Pages));
    }
}
