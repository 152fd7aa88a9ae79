using System.Runtime.InteropServices;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.VirtualTime;

namespace VmSim.Actors.Simulation;

/// <summary>
/// What a node of a split domain tells the others when it can do no more by itself, and hears from them. Every node sends one envelope to
/// every other and goes on when it has one from each; all then know the same, so that nobody has to lead.
/// </summary>
internal sealed class PhaseExchange
{
    /// <summary>A node can be one exchange ahead of another, never two: it needs the other's envelope to go on.</summary>
    private const int Ahead = 2;

    /// <summary>Stands for the number of the host's table of a space's virtual machine, which is one of the whole memory pool.</summary>
    private const int HostTable = -1;

    private readonly World _world;
    private readonly DomainShare _share;
    private readonly IPeerLinks _links;
    private readonly Dictionary<int, List<SimMessage>> _outgoing = [];
    private readonly List<(AddressSpace Space, IReadOnlyList<int> Readers)> _replicated = [];
    private readonly List<(AddressSpace Space, IReadOnlyList<int> Readers)> _hosts = [];
    private readonly Dictionary<int, PhaseEnvelope>[] _received = [[], []];
    private readonly List<(SimThread Thread, Core.Addresses.CoreId Target)> _departures = [];
    private readonly HashSet<int> _threads;
    private long _exchange = -1;
    private long _envelopes;
    private long _bytes;

    /// <summary>Begins to log the changes of page tables that other nodes read, and threads that leave.</summary>
    /// <param name="world">The run's world on this node.</param>
    /// <param name="share">What lives here.</param>
    /// <param name="links">The ways to the other nodes.</param>
    public PhaseExchange(World world, DomainShare share, IPeerLinks links)
    {
        _world = world;
        _share = share;
        _links = links;
        _threads = [.. share.Threads(world).Select(thread => thread.Id.Value)];
        foreach (int peer in share.Peers)
        {
            _outgoing.Add(peer, []);
        }

        foreach (AddressSpace space in share.Groups.SelectMany(group => group.Members))
        {
            IReadOnlyList<int> readers = share.ReadersOf(space);
            if (readers.Count > 0)
            {
                space.Tables.LogChanges();
                _replicated.Add((space, readers));
            }
        }

        foreach (MemoryPool pool in share.Groups.SelectMany(group => group.Pools))
        {
            int[] readers = [.. pool.Members.SelectMany(share.ReadersOf).Distinct().Order()];
            if (pool.Guest is { } guest && readers.Length > 0)
            {
                guest.Table.LogsChanges = true;
                _hosts.Add((pool.Members[0], readers));
            }
        }

        foreach (CoreModel core in share.Cores)
        {
            core.Departures = [];
        }
    }

    /// <summary>What was traded so far.</summary>
    public ExchangeSummary Summary => new(_threads, _envelopes, _bytes);

    /// <summary>Whether the envelopes of the exchange that is under way have come from everyone.</summary>
    public bool IsComplete => _received[_exchange % Ahead].Count == _share.Peers.Count;

    /// <summary>Takes messages for cores and memory sets of other nodes.</summary>
    public void Collect(SimMessage[] batch) => _outgoing[_share.NodeOfTarget(batch[0].Target)].AddRange(batch);

    /// <summary>Takes an envelope of the exchange that is under way or of the next one.</summary>
    /// <param name="envelope">The envelope.</param>
    /// <param name="peer">The node that it came from.</param>
    /// <exception cref="InvalidDataException">It is out of turn, or names what is not of this domain.</exception>
    public void Receive(PhaseEnvelope envelope, int peer)
    {
        Require(envelope.Node == peer, envelope, $"came from node {peer}");
        Require(envelope.Domain == _share.Domain.Index && _share.Peers.Contains(envelope.Node), envelope, "does not concern it");
        Require(envelope.Messages.All(IsForThisNode), envelope, "has a message for nobody here");
        Require(
            envelope.Tables.All(
                table => Within(table.Space, _world.Spaces.Count) && TableOf(table) is not null),
            envelope,
            "changes a page table that there is not");
        Require(
            envelope.Threads.All(
                thread => Within(thread.Thread.Value, _world.Threads.Count) && Within(thread.Core.Value, _world.Cores.Count)),
            envelope,
            "moves a thread that there is not");
        bool inTurn = envelope.Exchange >= _exchange && envelope.Exchange <= _exchange + 1;
        if (!inTurn || !_received[envelope.Exchange % Ahead].TryAdd(envelope.Node, envelope))
        {
            throw new InvalidDataException(
                $"domain {_share.Domain.Index}: exchange {envelope.Exchange} of node {envelope.Node} came while {_exchange} was under way");
        }
    }

    /// <summary>Begins an exchange: sends what the others need.</summary>
    /// <param name="horizon">When this node has something to do.</param>
    /// <param name="limit">Where its last core phase ended.</param>
    /// <param name="stopping">Whether this node was asked to stop.</param>
    public void Send(in NodeHorizon horizon, long limit, bool stopping)
    {
        _exchange++;
        PhaseEnvelope own = new()
        {
            Domain = _share.Domain.Index,
            Node = _share.Node,
            Exchange = _exchange,
            Stopping = stopping,
            Limit = limit,
            Horizon = horizon,
        };
        Dictionary<int, List<TableChanges>> tables = TakeTables();
        TakeDepartures();
        foreach (int peer in _share.Peers)
        {
            byte[] bytes = EnvelopeCodec.Encode(own with
            {
                Messages = _outgoing[peer],
                Tables = tables.GetValueOrDefault(peer) ?? [],
                Threads = [.. DeparturesTo(peer).Select(departure => Export(departure.Thread))],
            });
            _outgoing[peer].Clear();
            _envelopes++;
            _bytes += bytes.Length;
            _links.Send(peer, _share.Domain.Index, bytes);
        }

        _departures.Clear();
    }

    /// <summary>What the others said, by rising node number; the exchange is over then.</summary>
    /// <param name="windowStart">No core walks a page table as of an earlier time, in cycles.</param>
    public IReadOnlyList<PhaseEnvelope> Take(long windowStart)
    {
        Dictionary<int, PhaseEnvelope> received = _received[_exchange % Ahead];
        PhaseEnvelope[] envelopes = [.. received.Values.OrderBy(envelope => envelope.Node)];
        received.Clear();
        foreach (PhaseEnvelope envelope in envelopes)
        {
            foreach (TableChanges table in envelope.Tables)
            {
                Core.Paging.PageTable replica = TableOf(table)!;
                replica.ApplyChanges(table.Changes);
                replica.Fold(windowStart);
            }

            foreach (SimThreadState thread in envelope.Threads)
            {
                _world.Threads[thread.Thread.Value].Import(thread);
                _threads.Add(thread.Thread.Value);
            }
        }

        return envelopes;
    }

    /// <summary>The table on this node; null if there is none.</summary>
    private Core.Paging.PageTable? TableOf(TableChanges table)
    {
        AddressSpace space = _world.Spaces[table.Space];
        return table.Table == HostTable ? space.HostTable : Within(table.Table, space.Tables.Count) ? space.Tables[table.Table] : null;
    }

    private static bool Within(int number, int count) => number >= 0 && number < count;

    private void Require(bool holds, PhaseEnvelope envelope, string what)
    {
        if (!holds)
        {
            throw new InvalidDataException($"domain {_share.Domain.Index}: an envelope of node {envelope.Node} {what}");
        }
    }

    private bool IsForThisNode(SimMessage message)
    {
        int senders = _world.Cores.Count + _world.Spaces.Count;
        return Within(message.Sender, senders) && Within(message.Target, senders) && _share.NodeOfTarget(message.Target) == _share.Node;
    }

    private IEnumerable<(SimThread Thread, Core.Addresses.CoreId Target)> DeparturesTo(int peer) =>
        _departures.Where(departure => _share.NodeOfTarget(departure.Target.Value) == peer);

    private Dictionary<int, List<TableChanges>> TakeTables()
    {
        Dictionary<int, List<TableChanges>> tables = [];
        foreach ((AddressSpace space, IReadOnlyList<int> readers) in _replicated)
        {
            for (int table = 0; table < space.Tables.Count; table++)
            {
                Add(space, table, space.Tables.TakeChanges(table), readers);
            }
        }

        foreach ((AddressSpace space, IReadOnlyList<int> readers) in _hosts)
        {
            Add(space, HostTable, space.HostTable!.TakeChanges(), readers);
        }

        return tables;

        void Add(AddressSpace space, int table, byte[] changes, IReadOnlyList<int> readers)
        {
            foreach (int reader in changes.Length > 0 ? readers : [])
            {
                ref List<TableChanges>? list = ref CollectionsMarshal.GetValueRefOrAddDefault(tables, reader, out _);
                (list ??= []).Add(new TableChanges(space.Space.Value, table, changes));
            }
        }
    }

    private SimThreadState Export(SimThread thread)
    {
        _threads.Remove(thread.Id.Value);
        return thread.Export();
    }

    private void TakeDepartures()
    {
        foreach (CoreModel core in _share.Cores)
        {
            _departures.AddRange(core.Departures!);
            core.Departures!.Clear();
        }
    }
}
