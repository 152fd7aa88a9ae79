namespace VmSim.Host.Service;

/// <summary>What a job's process is told, as a line of JSON.</summary>
/// <param name="Job">The job's number.</param>
/// <param name="Store">The store's folder.</param>
/// <param name="Scenario">The scenario, every setting written out.</param>
/// <param name="Inputs">The traces that it names.</param>
/// <param name="Threads">Host threads that simulate.</param>
/// <param name="CheckpointSeconds">Wall time from one checkpoint to the next, in seconds.</param>
/// <param name="Bounds">What it may take at most.</param>
/// <param name="Gang">How it leads other nodes that have the job with it; null if it has the job alone.</param>
internal sealed record JobOrder(
    long Job, string Store, string Scenario, IReadOnlyList<InputName> Inputs, int Threads, double CheckpointSeconds, JobBounds Bounds,
    JobGang? Gang = null);

/// <summary>How a node takes part in a job that several have together.</summary>
/// <param name="Nodes">How many have it.</param>
/// <param name="Join">Host and port of the node that leads; empty for that node itself.</param>
/// <param name="Sets">Settings of its cluster.</param>
/// <param name="Certificate">The node's certificate with its key, as PEM.</param>
/// <param name="Folders">Folders from which the node may load traces and the checkpoint.</param>
internal sealed record JobGang(
    int Nodes, string Join, IReadOnlyList<string> Sets, string Certificate, IReadOnlyList<string> Folders);

/// <summary>What a job's process says, as a line of JSON: how far it is, something for the job's log, or at last its answer.</summary>
/// <param name="Progress">How far it is; null if this line is something else.</param>
/// <param name="Text">Something for the log; null likewise.</param>
/// <param name="Answer">What has become of it; null likewise.</param>
/// <param name="Leads">Where it waits for other nodes; null likewise.</param>
/// <param name="Figures">How it stands, while somebody looks; null likewise.</param>
internal sealed record JobWord(
    JobProgress? Progress = null, string? Text = null, JobAnswer? Answer = null, JobLead? Leads = null, JobFigures? Figures = null);

/// <summary>A process waits for other nodes.</summary>
/// <param name="Address">Host and port.</param>
/// <param name="Process">The process that simulates this node's own part.</param>
internal sealed record JobLead(string Address, int Process);

/// <summary>How far a running job is.</summary>
/// <param name="VirtualSeconds">Virtual time reached, in seconds.</param>
/// <param name="Accesses">Accesses simulated.</param>
/// <param name="AccessesPerSecond">Accesses of a second of wall time, since this process began.</param>
internal sealed record JobProgress(double VirtualSeconds, long Accesses, double AccessesPerSecond);

/// <summary>What has become of a job in its process.</summary>
/// <param name="Digest">The run's digest; empty if there is none.</param>
/// <param name="WasThere">Whether the result was there and was not made again.</param>
/// <param name="Outcome">How the run ended, as its report says.</param>
/// <param name="PeakBytes">The most memory that the process has had.</param>
/// <param name="Code">An exit code of <see cref="Terminal.ExitCodes"/> that says how it failed; 0 if it did not.</param>
/// <param name="Error">Why it failed; empty if it did not.</param>
/// <param name="IsDiskFull">Whether it failed because the store's disk is full.</param>
/// <param name="IsMemoryShort">Whether it was not begun because others have the memory that it needs.</param>
/// <param name="IsNodeLost">Whether another node that had a part of it was lost.</param>
internal sealed record JobAnswer(
    string Digest, bool WasThere, string Outcome, long PeakBytes, int Code, string Error, bool IsDiskFull = false,
    bool IsMemoryShort = false, bool IsNodeLost = false);
