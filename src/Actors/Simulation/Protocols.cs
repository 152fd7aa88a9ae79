using VmSim.Core.VirtualTime;

namespace VmSim.Actors.Simulation;

/// <summary>What a <see cref="SimulationActor"/> is asked and says.</summary>
public static class SimulationProtocol
{
    /// <summary>Any message of this protocol.</summary>
    public interface IMessage;

    /// <summary>Run the world to its end; the sender gets <see cref="Finished"/> or <see cref="Failed"/>.</summary>
    public sealed record Start : IMessage;

    /// <summary>Open no further window until <see cref="Resume"/>.</summary>
    public sealed record Pause : IMessage;

    /// <summary>Go on after <see cref="Pause"/>.</summary>
    public sealed record Resume : IMessage;

    /// <summary>Stop at the end of the current window.</summary>
    public sealed record Stop : IMessage;

    /// <summary>The run is over.</summary>
    /// <param name="Completed">Whether it came to its end and was not stopped.</param>
    /// <param name="Windows">Windows that were opened.</param>
    /// <param name="LanesLose">Whether it was stopped since its lanes lost more than they gained.</param>
    public sealed record Finished(bool Completed, long Windows, bool LanesLose = false) : IMessage;

    /// <summary>The run broke off because of a defect.</summary>
    /// <param name="Reason">What went wrong, and where.</param>
    public sealed record Failed(Exception Reason) : IMessage;
}

/// <summary>What a <see cref="DomainActor"/> is asked and says.</summary>
public static class DomainProtocol
{
    /// <summary>Any message of this protocol.</summary>
    public interface IMessage;

    /// <summary>Open windows until nothing is left to do.</summary>
    public sealed record Begin : IMessage;

    /// <summary>Open no further window until <see cref="Resume"/>.</summary>
    public sealed record Pause : IMessage;

    /// <summary>Go on after <see cref="Pause"/>.</summary>
    public sealed record Resume : IMessage;

    /// <summary>Stop at the end of the current window.</summary>
    public sealed record Stop : IMessage;

    /// <summary>What another node of a split domain said in an exchange.</summary>
    /// <param name="Domain">The domain.</param>
    /// <param name="Peer">The other node, as the way knows it by which the envelope came.</param>
    /// <param name="Bytes">A <see cref="PhaseEnvelope"/>, as <see cref="EnvelopeCodec"/> writes it.</param>
    public sealed record Envelope(int Domain, int Peer, byte[] Bytes) : IMessage;

    /// <summary>It is the domain's turn on its lane.</summary>
    public sealed record TakeTurn : IMessage;

    /// <summary>All actors of one lane have ended their part of the phase.</summary>
    /// <param name="Lane">The lane.</param>
    public sealed record LaneDone(int Lane) : IMessage;

    /// <summary>The domain has ended.</summary>
    /// <param name="Domain">Its number.</param>
    /// <param name="Completed">Whether it came to its end and was not stopped.</param>
    /// <param name="Windows">Windows it opened.</param>
    /// <param name="Exchange">What was traded with other nodes; null if the domain lives on one node.</param>
    public sealed record Ended(int Domain, bool Completed, long Windows, ExchangeSummary? Exchange) : IMessage;

    /// <summary>How far the domain has come.</summary>
    /// <param name="Domain">Its number.</param>
    /// <param name="VirtualTime">Start of its last window, in cycles.</param>
    /// <param name="Accesses">Accesses its cores have made.</param>
    public sealed record Progressed(int Domain, long VirtualTime, long Accesses) : IMessage;

    /// <summary>The domain's lanes lose more than they gain.</summary>
    /// <param name="Domain">Its number.</param>
    public sealed record LanesLose(int Domain) : IMessage;

    /// <summary>An actor of the domain failed or stopped.</summary>
    /// <param name="Domain">The domain's number.</param>
    /// <param name="Reason">What went wrong, and where.</param>
    public sealed record Broken(int Domain, Exception Reason) : IMessage;
}

/// <summary>What a node has traded with the others that share a domain.</summary>
/// <param name="Threads">Numbers of the threads that are on the node in the end.</param>
/// <param name="Envelopes">Envelopes it sent.</param>
/// <param name="Bytes">Bytes it sent.</param>
public sealed record ExchangeSummary(IReadOnlySet<int> Threads, long Envelopes, long Bytes);

/// <summary>
/// What a <see cref="WindowActor"/> is asked, of a core or of a memory set; to others of its kind it says <see cref="Deliver"/>.
/// </summary>
public static class WindowProtocol
{
    /// <summary>Any message of this protocol.</summary>
    public interface IMessage;

    /// <summary>Messages of virtual time, in the order of sending.</summary>
    /// <param name="Messages">The messages; not changed after sending.</param>
    public sealed record Deliver(SimMessage[] Messages) : IMessage;

    /// <summary>Run the core phase of a window, or its memory phase.</summary>
    /// <param name="Start">Start of the window, in cycles.</param>
    /// <param name="Limit">Where the phase ends, in cycles: what is due before this is done.</param>
    /// <param name="IsAlone">Whether no other core can do anything before then; false in the memory phase.</param>
    public sealed record Run(long Start, long Limit, bool IsAlone) : IMessage;

    /// <summary>At the end: what was handed over before has been taken in once this is answered.</summary>
    public sealed record TakeIn : IMessage;
}
