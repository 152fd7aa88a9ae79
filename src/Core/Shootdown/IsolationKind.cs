namespace VmSim.Core.Shootdown;

/// <summary>What page-table isolation means under a protocol.</summary>
public enum IsolationKind
{
    /// <summary>The protocol's core half knows no pairs of tags: it does not run with isolation.</summary>
    None,

    /// <summary>Each space has a pair of tags, so that a switch of tables drops nothing.</summary>
    Tagged,

    /// <summary>There are no tags: every switch between the tables of user and kernel drops everything.</summary>
    Untagged,
}
