using VmSim.Core.Engine;
using VmSim.Core.VirtualTime;

namespace VmSim.Actors.Simulation;

/// <summary>
/// The windows of one node's share of a split domain. From what all nodes said in an exchange it follows until when nobody elsewhere can
/// reach a core or a group here; up to there the node opens windows of its own. What it sends bounds it too: an answer may come.
/// </summary>
/// <remarks>
/// What is used of the delays: a core's message reaches a group no earlier than <see cref="Delays.CoreToSpace"/> after it was sent; a
/// group's reaches a core, and its page-table stores are seen, no earlier than <see cref="Delays.StoreVisibility"/> after the event;
/// whatever a core does reaches another core no earlier than <see cref="Delays.WindowBound"/> after. Groups send groups nothing.
/// </remarks>
/// <param name="delays">The run's least delays.</param>
/// <param name="window">Length of a window in cycles, 1 to the bound.</param>
/// <param name="until">End of the run in cycles; <see cref="long.MaxValue"/> for none.</param>
internal sealed class SharedWindows(Delays delays, long window, long until)
{
    private readonly long _toGroup = delays.CoreToSpace.Value;
    private readonly long _toCore = delays.StoreVisibility.Value;
    private readonly long _bound = delays.WindowBound.Value;
    private long _until = until;
    private long _sentToCores = long.MaxValue;
    private long _sentToGroups = long.MaxValue;

    /// <summary>No message from elsewhere falls due for a core here before this, in cycles.</summary>
    public long CoreBound { get; private set; }

    /// <summary>No message from elsewhere falls due for a group here before this, in cycles.</summary>
    public long GroupBound { get; private set; }

    /// <summary>Whether nobody on any node has anything to do before the end.</summary>
    public bool IsFinished { get; private set; }

    /// <summary>A message leaves for another node.</summary>
    /// <param name="due">When it is there, in cycles.</param>
    /// <param name="toCore">Whether it goes to a core, not to a group.</param>
    public void OnSent(long due, bool toCore)
    {
        if (toCore)
        {
            _sentToCores = Math.Min(_sentToCores, due);
            Bound(due);
        }
        else
        {
            _sentToGroups = Math.Min(_sentToGroups, due);
            Bound(Later(due, _toCore));
            CoreBound = Math.Min(CoreBound, Later(due, _toCore));
        }
    }

    /// <summary>What this node says in an exchange.</summary>
    /// <param name="here">When its own cores and groups have something to do.</param>
    public NodeHorizon Say(in DomainHorizon here)
    {
        NodeHorizon said = new(here.First, here.Group, _sentToCores, _sentToGroups);
        _sentToCores = long.MaxValue;
        _sentToGroups = long.MaxValue;
        return said;
    }

    /// <summary>All nodes have said when they have something to do.</summary>
    /// <param name="own">What this node said.</param>
    /// <param name="envelopes">What the others said.</param>
    public void OnExchanged(in NodeHorizon own, IReadOnlyList<PhaseEnvelope> envelopes)
    {
        CoreBound = long.MaxValue;
        GroupBound = long.MaxValue;
        (long core, long group) = Reached(own, own, envelopes, except: -1);
        IsFinished = IsOver(core, group);
        foreach (PhaseEnvelope envelope in envelopes)
        {
            (core, group) = Reached(envelope.Horizon, own, envelopes, envelope.Node);
            IsFinished &= IsOver(core, group);
            long answer = Later(group, _toCore);
            Bound(Math.Min(core, answer));
            CoreBound = Math.Min(CoreBound, answer);
        }
    }

    /// <summary>The run ends early, at a time that all nodes have agreed on.</summary>
    /// <param name="end">The time, in cycles; no node has opened a window that ends later.</param>
    public void EndAt(long end) => _until = Math.Min(_until, end);

    /// <summary>What the node can do by itself.</summary>
    /// <param name="here">When its own cores and groups have something to do.</param>
    /// <returns>A phase, or an exchange if there is none.</returns>
    public DomainStep Next(in DomainHorizon here)
    {
        long first = here.First.Value;
        long group = here.Group.Value;
        long answer = Later(group, _toCore);

        // As in WindowPlan: nobody asks for anything as of an earlier time.
        long start = Math.Min(first, group == long.MaxValue ? group : group - _toGroup);

        // Groups come first, as far as no core can send them anything any more.
        long groupLimit = Math.Min(Later(Math.Min(Math.Min(first, answer), _until), _toGroup), GroupBound);
        if (group < groupLimit)
        {
            return new DomainStep(DomainAction.RunMemorySets, start, groupLimit);
        }

        long reach = Math.Min(Math.Min(answer, CoreBound), _until);
        long limit = Math.Min(Later(first, window), reach);
        if (first >= limit)
        {
            return new DomainStep(DomainAction.Exchange);
        }

        long alone = Math.Min(here.Second.Value, reach);
        return alone > limit
            ? new DomainStep(DomainAction.RunCores, start, alone, IsAlone: true)
            : new DomainStep(DomainAction.RunCores, start, limit);
    }

    /// <summary>When a node's cores and groups have something to do, with all that was sent to them.</summary>
    private static (long Core, long Group) Reached(
        in NodeHorizon node, in NodeHorizon own, IReadOnlyList<PhaseEnvelope> envelopes, int except)
    {
        long core = node.Core.Value;
        long group = node.Group.Value;
        if (except >= 0)
        {
            core = Math.Min(core, own.SentToCores.Value);
            group = Math.Min(group, own.SentToGroups.Value);
        }

        foreach (PhaseEnvelope envelope in envelopes)
        {
            if (envelope.Node != except)
            {
                core = Math.Min(core, envelope.Horizon.SentToCores.Value);
                group = Math.Min(group, envelope.Horizon.SentToGroups.Value);
            }
        }

        return (core, group);
    }

    private static long Later(long time, long by) => time > long.MaxValue - by ? long.MaxValue : time + by;

    private bool IsOver(long core, long group) => core >= _until && group >= Later(_until, _toGroup);

    /// <summary>A core elsewhere can do something at a time, and no earlier.</summary>
    private void Bound(long time)
    {
        CoreBound = Math.Min(CoreBound, Later(time, _bound));
        GroupBound = Math.Min(GroupBound, Later(time, _toGroup));
    }
}
