using VmSim.Core.Addresses;
using VmSim.Core.Programs;
using VmSim.Core.Scenarios;
using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Core.Validation;

/// <summary>What runs beside a measured thread.</summary>
internal static class Beside
{
    /// <summary>Nothing.</summary>
    public const string None = "none";

    private const string Spin = "spin";
    private const string Sleep = "sleep";
    private const string Calls = "sys";
    private const string Same = "same";
    private const string Process = "proc";
    private const string Touch = "touch";

    /// <summary>Cycles between two looks whether the measured thread has ended.</summary>
    private const long SpinCycles = 20_000;

    /// <summary>All of it.</summary>
    public static IReadOnlyList<string> All { get; } = [None, Spin, Sleep, Calls, Same, Process, Touch];

    /// <summary>Whether a second thread of the process runs, or has run, on the other processor.</summary>
    public static bool IsThread(string mode) => mode is not (None or Process);

    /// <summary>The second thread, if there is one.</summary>
    public static IEnumerable<ThreadProgram> Threads(string mode, Probe probe, ulong pages)
    {
        if (!IsThread(mode))
        {
            return [];
        }

        ThreadScript script = new();
        ulong call = script.Call(ThreadScript.NoMapping);
        Func<IEnumerable<ulong>> body = mode switch
        {
            Sleep => () => [ThreadScript.Control(ControlKind.Wait)],
            Calls => () => UntilEnd(probe, [call]),
            Touch => () => UntilEnd(probe, [.. ProgramMemory.Read(ProgramMemory.Buffer, (long)pages)]),
            _ => () => UntilEnd(probe, [ThreadScript.Control(ControlKind.Compute, SpinCycles)]),
        };
        return [script.Thread("B", body, core: new CoreId(mode == Same ? 0 : 1))];
    }

    /// <summary>The second process, if there is one.</summary>
    public static IEnumerable<ProcessSpec> Processes(string mode, Probe probe)
    {
        if (mode != Process)
        {
            return [];
        }

        ThreadProgram thread = new ThreadScript().Thread(
            "B", () => UntilEnd(probe, [ThreadScript.Control(ControlKind.Compute, SpinCycles)]), core: new CoreId(1));
        return [new ProcessSpec { Name = "beside", Program = _ => new ProgramImage { Name = "beside", Threads = [thread] } }];
    }

    private static IEnumerable<ulong> UntilEnd(Probe probe, ulong[] operations)
    {
        while (!probe.HasEnded)
        {
            foreach (ulong operation in operations)
            {
                yield return operation;
            }
        }
    }
}
