using VmSim.Actors.Simulation;
using VmSim.Core.Reports;

namespace VmSim.Actors.Cluster;

/// <summary>What the <see cref="JobCoordinatorActor"/> is asked and says, within the process that a run was started in.</summary>
public static class JobProtocol
{
    /// <summary>Any message of this protocol.</summary>
    public interface IMessage;

    /// <summary>Run a plan; the sender gets <see cref="Finished"/> or <see cref="Failed"/>.</summary>
    /// <param name="Plan">The run.</param>
    /// <param name="JoinSeconds">Seconds to wait for its nodes.</param>
    /// <param name="Progress">Whom to tell how far the run has come; null for nobody.</param>
    /// <param name="Joined">Whom to tell how many nodes have joined; null for nobody.</param>
    /// <param name="Notices">Whom to tell what a person should know; null for nobody.</param>
    /// <param name="Checkpoints">When the run is written down, and by whom; null for never.</param>
    public sealed record Submit(
        RunPlan Plan,
        int JoinSeconds,
        IProgress<RunProgress>? Progress,
        IProgress<int>? Joined,
        IProgress<string>? Notices = null,
        PartKeeper? Checkpoints = null) : IMessage;

    /// <summary>Writes a run down.</summary>
    /// <param name="Period">Wall time from one checkpoint to the next; zero for one when the run is stopped alone.</param>
    /// <param name="Keep">Is given the parts of all nodes, by node number, each in pieces; what it throws ends the run.</param>
    public sealed record PartKeeper(TimeSpan Period, Action<IReadOnlyList<IReadOnlyList<byte[]>>> Keep);

    /// <summary>Stop the run at the end of a window.</summary>
    public sealed record Stop : IMessage;

    /// <summary>A node's process has been started.</summary>
    /// <param name="Which">What to call it.</param>
    public sealed record ProcessStarted(string Which) : IMessage;

    /// <summary>A node's process that has said nothing yet has been at work on a processor.</summary>
    /// <param name="Which">What to call it.</param>
    public sealed record ProcessMoved(string Which) : IMessage;

    /// <summary>A node's process says that it lives.</summary>
    /// <param name="Which">What to call it.</param>
    public sealed record ProcessHeard(string Which) : IMessage;

    /// <summary>A node's process has ended.</summary>
    /// <param name="Which">What to call it.</param>
    public sealed record ProcessEnded(string Which) : IMessage;

    /// <summary>The run is over.</summary>
    /// <param name="Completed">Whether it came to its end, as against having been stopped.</param>
    /// <param name="Windows">Windows opened.</param>
    /// <param name="End">How far it came.</param>
    /// <param name="Statistics">What all nodes have counted.</param>
    /// <param name="Threads">Host threads that simulated.</param>
    /// <param name="WallSeconds">Wall time of the simulation loop.</param>
    /// <param name="Nodes">What each node had to do.</param>
    public sealed record Finished(
        bool Completed,
        long Windows,
        RunEnd End,
        RunStatistics Statistics,
        int Threads,
        double WallSeconds,
        IReadOnlyList<NodeReport> Nodes) : IMessage;

    /// <summary>The run broke off.</summary>
    /// <param name="Reason">Why.</param>
    public sealed record Failed(Exception Reason) : IMessage;
}
