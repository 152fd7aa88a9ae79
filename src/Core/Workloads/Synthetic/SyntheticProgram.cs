using VmSim.Core.Programs;
using VmSim.Core.Settings;

namespace VmSim.Core.Workloads.Synthetic;

/// <summary>A program that is made up: settings, and how they become threads.</summary>
public abstract record SyntheticProgram
{
    /// <summary>Threads of each process; 0 for one a core.</summary>
    [Setting("Threads of each process; 0 makes one a core.", Min = 0, Max = 65_536)]
    public int Threads { get; init; } = 1;

    /// <summary>One sentence that says what it does, for lists of plug-ins; the registry says it of those that are in it.</summary>
    public virtual string Summary => GetType().Name;

    /// <summary>Builds the image of one process: its threads, their streams, and what is mapped.</summary>
    /// <exception cref="ArgumentException">Settings contradict each other; the message says which.</exception>
    public abstract ProgramImage Build(ProgramContext context);

    /// <summary>How many threads a process has on a machine.</summary>
    protected int ThreadCount(ProgramContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return Threads > 0 ? Threads : context.Cores;
    }
}

/// <summary>A behaviour that every thread repeats.</summary>
public abstract record RepeatingProgram : SyntheticProgram
{
    /// <summary>Rounds of each thread.</summary>
    [Setting("Rounds of each thread.", Min = 1, Max = 1e12)]
    public long Iterations { get; init; } = 100;

    /// <summary>Pages of a thread's region.</summary>
    [Setting("Pages of the region that a round works on.", Unit = SettingUnit.Pages, Min = 1, Max = 4_294_967_296)]
    public long Pages { get; init; } = 16;

    /// <summary>Cycles of computing between two rounds.</summary>
    [Setting("Computing between two rounds.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long Compute { get; init; }
}
