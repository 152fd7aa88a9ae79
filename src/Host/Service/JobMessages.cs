namespace VmSim.Host.Service;

/// <summary>What a job's process is told, as a line of JSON.</summary>
/// <param name="Job">The job's number.</param>
/// <param name="Store">The store's folder.</param>
/// <param name="Scenario">The scenario, every setting written out.</param>
/// <param name="Inputs">The traces that it names.</param>
/// <param name="Threads">Host threads that simulate.</param>
/// <param name="CheckpointSeconds">Wall time from one checkpoint to the next, in seconds.</param>
/// <param name="Bounds">What it may take at most.</param>
internal sealed record JobOrder(
    long Job, string Store, string Scenario, IReadOnlyList<InputName> Inputs, int Threads, double CheckpointSeconds, JobBounds Bounds);

/// <summary>What a job's process says, as a line of JSON: how far it is, something for the job's log, or at last its answer.</summary>
/// <param name="Progress">How far it is; null if this line is something else.</param>
/// <param name="Text">Something for the log; null likewise.</param>
/// <param name="Answer">What has become of it; null likewise.</param>
internal sealed record JobWord(JobProgress? Progress = null, string? Text = null, JobAnswer? Answer = null);

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
internal sealed record JobAnswer(
    string Digest, bool WasThere, string Outcome, long PeakBytes, int Code, string Error, bool IsDiskFull = false,
    bool IsMemoryShort = false);
