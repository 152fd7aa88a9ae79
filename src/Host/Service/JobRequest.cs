namespace VmSim.Host.Service;

/// <summary>What is submitted: one run, or several that belong together.</summary>
/// <param name="Name">What people call it.</param>
/// <param name="Runs">The runs.</param>
/// <param name="Priority">0 to <see cref="JobLimits.PriorityMax"/>; null for <see cref="JobLimits.PriorityUsual"/>.</param>
/// <param name="Bounds">What each run may take at most; null for what the service allows.</param>
/// <param name="Spread">Over how many nodes each is to be spread; null for one.</param>
/// <param name="Needs">What a run takes at most, as far as who submits it knows, for the answer to say what is beyond a bound.</param>
internal sealed record JobRequest(
    string Name,
    IReadOnlyList<RunRequest> Runs,
    int? Priority = null,
    JobBounds? Bounds = null,
    JobSpread? Spread = null,
    JobBounds? Needs = null);

/// <summary>A run of a submission.</summary>
/// <param name="Label">What differs between the runs.</param>
/// <param name="Scenario">The scenario, every setting written out, as <c>effective.conf</c> has it.</param>
/// <param name="Inputs">The traces that it names.</param>
/// <param name="MemoryBytes">Bytes that it needs on one node; 0 for nothing known.</param>
/// <param name="SharedBytes">How many of those are divided among nodes that have it together.</param>
internal sealed record RunRequest(
    string Label, string Scenario, IReadOnlyList<InputName> Inputs, long MemoryBytes = 0, long SharedBytes = 0);

/// <summary>A file that a scenario names.</summary>
/// <param name="Path">What the scenario calls it.</param>
/// <param name="Digest">SHA-256 of its bytes, as lower-case hex digits: the store has it by that.</param>
internal sealed record InputName(string Path, string Digest);

/// <summary>What is answered to a submission.</summary>
/// <param name="Id">Number of the submission, which is that of its first job.</param>
/// <param name="Count">Its jobs, whose numbers follow each other.</param>
/// <param name="Done">How many of them the store had a result of.</param>
/// <param name="Hint">What the runs need beyond their bounds, in words; empty if nothing is known to be.</param>
internal sealed record JobReceipt(long Id, int Count, int Done, string Hint = "");
