namespace VmSim.Host.Service;

/// <summary>A job: one run, as the store has it.</summary>
internal sealed record Job
{
    /// <summary>Its number, from 1 on, in the order of submission.</summary>
    public required long Id { get; init; }

    /// <summary>Number of the first job of its submission, which is that of the submission.</summary>
    public required long Submission { get; init; }

    /// <summary>What people call it.</summary>
    public required string Name { get; init; }

    /// <summary>What differs between the jobs of its submission; empty for a single one.</summary>
    public string Label { get; init; } = "";

    /// <summary>The holder of the token with which it was submitted.</summary>
    public required string Owner { get; init; }

    /// <summary>Jobs of a greater one go first: 0 to <see cref="JobLimits.PriorityMax"/>.</summary>
    public int Priority { get; init; }

    /// <summary>Where it stands.</summary>
    public JobState State { get; init; }

    /// <summary>The build that makes it, to which its checkpoints belong too; empty in a store from before that was written down.</summary>
    public string Build { get; init; } = "";

    /// <summary>SHA-256 over what was submitted and the build: equal for two jobs that ask for the same.</summary>
    public required string Request { get; init; }

    /// <summary>Digest of its run, which is the name of the result's folder; empty before the first result.</summary>
    public string Digest { get; init; } = "";

    /// <summary>How the run ended, as its report says; empty before.</summary>
    public string Outcome { get; init; } = "";

    /// <summary>Why it was begun again, failed, or was not run.</summary>
    public string Reason { get; init; } = "";

    /// <summary>How often a process has begun it.</summary>
    public int Attempts { get; init; }

    /// <summary>When it was submitted, in milliseconds since 1970, UTC.</summary>
    public long Submitted { get; init; }

    /// <summary>When a process began it last; 0 for never.</summary>
    public long Started { get; init; }

    /// <summary>When it was done, failed or cancelled; 0 before.</summary>
    public long Ended { get; init; }

    /// <summary>The node that has or had it last; empty for the service's own machine.</summary>
    public string Node { get; init; } = "";

    /// <summary>By what that node has it: new each time that a node is given a job, so that an older one counts no more.</summary>
    public string Lease { get; init; } = "";

    /// <summary>What it may take at most, by those who submitted it.</summary>
    public JobBounds Bounds { get; init; } = JobBounds.None;

    /// <summary>Over how many nodes it is to be spread, and what it takes.</summary>
    public JobSpread Spread { get; init; } = JobSpread.None;

    /// <summary>The nodes that have or had it together last, the one that leads first; empty for one node.</summary>
    public IReadOnlyList<string> Members { get; init; } = [];

    /// <summary>Whether nothing more will become of it.</summary>
    public bool IsOver => State is JobState.Done or JobState.Failed or JobState.Cancelled;
}
