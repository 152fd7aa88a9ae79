using System.Numerics;
using VmSim.Core.Engine;
using VmSim.Core.VirtualTime;

namespace VmSim.Actors.Simulation;

/// <summary>
/// When each core and group of a domain has something to do. An actor writes its own entry at the end of its phase, and the entry of each
/// actor that it sends messages to. The domain reads all entries between phases.
/// </summary>
public sealed class DomainSchedule
{
    private readonly int _cores;
    private readonly long[] _own;
    private readonly long[] _announced;

    /// <summary>The earlier of both entries of each slot, as of the end of the last phase.</summary>
    private readonly long[] _next;

    /// <summary>A schedule on which nobody has anything to do.</summary>
    /// <param name="cores">Cores of the domain; their slots come first.</param>
    /// <param name="groups">Groups of the domain.</param>
    public DomainSchedule(int cores, int groups)
    {
        _cores = cores;
        _own = new long[cores + groups];
        _announced = new long[cores + groups];
        _next = new long[cores + groups];
        Array.Fill(_own, long.MaxValue);
        Array.Fill(_announced, long.MaxValue);
        Array.Fill(_next, long.MaxValue);
    }

    /// <summary>Where the core phase ends, in cycles: its limit, or where its only core stopped before that.</summary>
    internal long CoreEnd { get; set; }

    /// <summary>Earliest time at which the holder of a slot has something to do, in cycles.</summary>
    public long Next(int slot) => Math.Min(Volatile.Read(ref _own[slot]), Volatile.Read(ref _announced[slot]));

    /// <summary>The holder of a slot says when it has something to do by itself.</summary>
    public void SetOwn(int slot, long time) => Volatile.Write(ref _own[slot], time);

    /// <summary>A sender says when the earliest of its messages to a slot's holder falls due.</summary>
    public void Announce(int slot, long due)
    {
        long seen = Volatile.Read(ref _announced[slot]);
        while (due < seen)
        {
            long before = Interlocked.CompareExchange(ref _announced[slot], due, seen);
            if (before == seen)
            {
                return;
            }

            seen = before;
        }
    }

    /// <summary>The holder is about to run and finds everything that was announced in its mailboxes.</summary>
    public void ClearAnnounced(int slot) => Volatile.Write(ref _announced[slot], long.MaxValue);

    /// <summary>Reads all entries between two phases, while nobody writes.</summary>
    internal DomainHorizon ReadHorizon()
    {
        int slot = 0;
        for (; slot <= _next.Length - Vector<long>.Count; slot += Vector<long>.Count)
        {
            Vector.Min(new Vector<long>(_own, slot), new Vector<long>(_announced, slot)).CopyTo(_next, slot);
        }

        for (; slot < _next.Length; slot++)
        {
            _next[slot] = Math.Min(_own[slot], _announced[slot]);
        }

        return DomainHorizon.Of(_next.AsSpan(0, _cores), _next.AsSpan(_cores));
    }

    /// <summary>Whether the holder of a slot had something to do before <paramref name="limit"/> when the entries were last read.</summary>
    internal bool IsDue(int slot, long limit) => _next[slot] < limit;

    /// <summary>The domain hands on a message of another node. It came after the entries were read, so the read ones change too.</summary>
    internal void AnnounceLate(int slot, long due)
    {
        Announce(slot, due);
        _next[slot] = Math.Min(_next[slot], due);
    }

    /// <summary>Earliest delivery time among messages, in cycles.</summary>
    internal static long Earliest(ReadOnlySpan<SimMessage> messages)
    {
        long earliest = long.MaxValue;
        foreach (ref readonly SimMessage message in messages)
        {
            earliest = Math.Min(earliest, message.Due.Value);
        }

        return earliest;
    }
}
