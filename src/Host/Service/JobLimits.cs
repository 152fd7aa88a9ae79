using VmSim.Actors.Cluster;
using VmSim.Actors.Simulation;

namespace VmSim.Host.Service;

/// <summary>What a service takes at most. None of it changes a result.</summary>
internal static class JobLimits
{
    /// <summary>The greatest priority; <see cref="PriorityUsual"/> is that of a job without one.</summary>
    public const int PriorityMax = 9;

    /// <summary>Priority of a job without one: half of the range is above it and half below.</summary>
    public const int PriorityUsual = 5;

    /// <summary>Bytes of a request that is no file. The text of a scenario has at most 8 MiB (docs/reliability.md).</summary>
    public const int RequestBytesMax = 16 << 20;

    /// <summary>Bytes of a file, such as a trace.</summary>
    public const long InputBytesMax = 4L << 30;

    /// <summary>Runs of one submission.</summary>
    public const int RunsMax = 10_000;

    /// <summary>
    /// Jobs that wait at a time. They bound the store, since each stands there with its scenario, and a service that begins counts them
    /// (docs/scale.md); twice a million.
    /// </summary>
    public const int WaitingMax = 2_000_000;

    /// <summary>Host threads that a job may ask for over all nodes: as many as the most nodes of a run have lanes.</summary>
    public const int CoresMax = RunPlan.NodesMax * Lanes.Max;

    /// <summary>Files of one run.</summary>
    public const int InputsMax = 1_024;

    /// <summary>Characters of a name, a label, or a file's path.</summary>
    public const int NameMax = 512;

    /// <summary>Jobs of one answer.</summary>
    public const int PageMax = 1_000;

    /// <summary>Lines that are kept of a job's log: the last ones.</summary>
    public const int LogLinesMax = 1_000;

    /// <summary>How often a job whose process died is begun in all.</summary>
    public const int AttemptsMax = 3;
}
