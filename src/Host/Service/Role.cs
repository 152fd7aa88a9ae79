namespace VmSim.Host.Service;

/// <summary>
/// What the holder of a token may do. Each may do what those before it may, except for a node: it makes jobs, which nobody else may, and
/// nothing besides.
/// </summary>
internal enum Role
{
    /// <summary>Make jobs: <c>vmsim node --join URL</c>.</summary>
    Node,

    /// <summary>See jobs, logs, results and metrics.</summary>
    Reader,

    /// <summary>Submit jobs, and cancel those of the same name.</summary>
    Submitter,

    /// <summary>Cancel every job.</summary>
    Operator,
}
