namespace VmSim.Host.Service;

/// <summary>What a node says each second: that it lives, what it is at, and what it has room for.</summary>
/// <param name="Instance">The process, by a number that it has drawn: another one of the same name is another node.</param>
/// <param name="Number">From 1 on, one more each time.</param>
/// <param name="Build">The build that it is of (<see cref="VmSim.Actors.Cluster.BuildIdentity"/>).</param>
/// <param name="Jobs">Jobs that it makes at a time.</param>
/// <param name="Room">Jobs that it would begin now.</param>
/// <param name="State">Whether it goes on.</param>
/// <param name="Claims">The jobs that it has, whole or a part.</param>
/// <param name="MemoryBytes">Bytes of memory that it has in all; 0 for not said.</param>
/// <param name="Threads">Host threads that it gives a job; 0 for not said.</param>
/// <param name="Host">The address under which others reach it when they have a job together; empty if it has no certificate.</param>
internal sealed record NodeBeat(
    string Instance, long Number, string Build, int Jobs, int Room, NodeState State, IReadOnlyList<NodeClaim> Claims, long MemoryBytes = 0,
    int Threads = 0, string Host = "");

/// <summary>Whether a node goes on.</summary>
internal enum NodeState
{
    /// <summary>It takes jobs.</summary>
    Ready,

    /// <summary>It ends with the jobs that it has.</summary>
    Draining,

    /// <summary>It has ended; what it had stands in checkpoints.</summary>
    Leaving,
}

/// <summary>A job that a node has.</summary>
/// <param name="Job">Its number.</param>
/// <param name="Lease">By what it has it.</param>
/// <param name="Progress">How far it is; null before it has said so.</param>
/// <param name="Log">Lines for its log, since the last time.</param>
/// <param name="Address">Host and port where the other nodes of the job are waited for; empty for nobody, or not yet.</param>
/// <param name="Figures">How it stands, if somebody looks; null for nothing new.</param>
internal sealed record NodeClaim(
    long Job, string Lease, JobProgress? Progress, IReadOnlyList<string> Log, string Address = "", JobFigures? Figures = null);

/// <summary>What a node is told.</summary>
/// <param name="Orders">Jobs to begin.</param>
/// <param name="Void">Leases that count no more: their jobs are to be ended at once.</param>
/// <param name="Drains">Whether it is to end with the jobs that it has.</param>
/// <param name="Looked">Leases of jobs that somebody looks at, at most <see cref="FigureRules.JobsMax"/>; null for none.</param>
internal sealed record NodeAnswer(
    IReadOnlyList<NodeOrder> Orders, IReadOnlyList<string> Void, bool Drains, IReadOnlyList<string>? Looked = null);

/// <summary>A job for a node.</summary>
/// <param name="Job">Its number.</param>
/// <param name="Lease">By what the node has it.</param>
/// <param name="Scenario">The scenario, every setting written out.</param>
/// <param name="Inputs">The traces that it names.</param>
/// <param name="CheckpointSeconds">Wall time from one checkpoint to the next, in seconds.</param>
/// <param name="HasCheckpoint">Whether there is one to go on from.</param>
/// <param name="Bounds">What it may take at most.</param>
/// <param name="Gang">The node's part in it; null for all of it.</param>
internal sealed record NodeOrder(
    long Job, string Lease, string Scenario, IReadOnlyList<InputName> Inputs, double CheckpointSeconds, bool HasCheckpoint,
    JobBounds Bounds, GangOrder? Gang = null);

/// <summary>A node's part in a job that several have together.</summary>
/// <param name="Nodes">How many have it.</param>
/// <param name="Join">Host and port of the node that leads; empty for that node itself.</param>
/// <param name="Sets">Settings of the job's cluster.</param>
internal sealed record GangOrder(int Nodes, string Join, IReadOnlyList<string> Sets)
{
    /// <summary>Whether the node leads.</summary>
    public bool Leads => Join.Length == 0;
}

/// <summary>How a job ended on a node.</summary>
/// <param name="Answer">What its process answered; null if it ended without.</param>
/// <param name="Death">How it ended then.</param>
/// <param name="IsLost">Whether the node is to blame, and not the job.</param>
internal sealed record NodeEnding(JobAnswer? Answer, string Death, bool IsLost);

/// <summary>A node as the service shows it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Build">The build that it is of.</param>
/// <param name="Jobs">Jobs that it makes at a time.</param>
/// <param name="Running">Jobs that it has.</param>
/// <param name="Ids">Their numbers, rising.</param>
/// <param name="State">Whether it goes on.</param>
/// <param name="Seen">When it last said something, in milliseconds since 1970, UTC.</param>
/// <param name="Problem">Why it is given no jobs; empty if it is.</param>
internal sealed record NodeView(
    string Name, string Build, int Jobs, int Running, IReadOnlyList<long> Ids, NodeState State, long Seen, string Problem);
