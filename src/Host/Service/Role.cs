namespace VmSim.Host.Service;

/// <summary>What the holder of a token may do; each may do what those before it may.</summary>
internal enum Role
{
    /// <summary>See jobs, logs, results and metrics.</summary>
    Reader,

    /// <summary>Submit jobs, and cancel those of the same name.</summary>
    Submitter,

    /// <summary>Cancel every job.</summary>
    Operator,
}
