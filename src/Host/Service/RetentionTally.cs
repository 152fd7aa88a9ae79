namespace VmSim.Host.Service;

/// <summary>What a pass has removed.</summary>
internal sealed class RetentionTally
{
    /// <summary>Results.</summary>
    public long Results { get; set; }

    /// <summary>Bytes of the results.</summary>
    public long Bytes { get; set; }

    /// <summary>Jobs, with their logs.</summary>
    public long Jobs { get; set; }

    /// <summary>Scenarios that no job has any more.</summary>
    public long Scenarios { get; set; }

    /// <summary>Traces that no job needs any more.</summary>
    public long Inputs { get; set; }

    /// <summary>Whether anything was removed.</summary>
    public bool IsAny => Results + Jobs + Scenarios + Inputs > 0;
}
