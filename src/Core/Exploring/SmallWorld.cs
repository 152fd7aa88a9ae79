using VmSim.Core.Programs;
using VmSim.Core.Scenarios;
using VmSim.Core.VirtualTime;
using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Core.Exploring;

/// <summary>A world whose orders are tried: a scenario whose first process is a script, or any other that is small.</summary>
/// <param name="Base">The scenario; its first process is replaced if there are steps.</param>
/// <param name="Program">How the script is built; its text does not count.</param>
/// <param name="Threads">The steps of the first process's threads; empty if it is no script.</param>
public sealed record SmallWorld(ScenarioSpec Base, ScriptProgram Program, IReadOnlyList<IReadOnlyList<ScriptStep>> Threads)
{
    /// <summary>Whether the first process is a script, so that steps can come later and be left out.</summary>
    public bool IsScript => Threads.Count > 0;

    /// <summary>
    /// From when on, in cycles, messages are delayed: before it, threads of a script do the same on every core, and nothing can go wrong.
    /// </summary>
    public long From => IsScript ? ScriptProgram.LeadCycles / 2 : 0;

    /// <summary>Steps of all threads.</summary>
    public int Steps => Threads.Sum(steps => steps.Count);

    /// <summary>The threads as the text of a script.</summary>
    public string Script => ScriptStep.Format(Threads);

    /// <summary>The scenario of one run.</summary>
    public ScenarioSpec With(OrderSchedule schedule)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        MessageSchedule messages = schedule.Messages;
        ScenarioSpec scenario = messages.Delays.Count == 0 ? Base : Base with { Schedule = messages.ToText(Base.Machine.Cores) };
        if (!IsScript)
        {
            return scenario;
        }

        ProcessSpec first = Base.Processes[0];
        ProgramImage image = Program.Build(first.Name, schedule.Apply(Threads));
        return scenario with { Processes = [first with { Program = _ => image }, .. Base.Processes.Skip(1)] };
    }
}
