using System.Numerics;
using VmSim.Core.VirtualTime;

namespace VmSim.Actors.Simulation;

/// <summary>
/// When each core and group of a domain has something to do. An actor writes its own entry at the end of its phase and the entry of
/// whomever it sends messages to; the domain reads all of them between phases.
/// </summary>
public sealed class DomainBoard
{
    private readonly long[] _own;
    private readonly long[] _incoming;

    /// <summary>Makes a board on which nobody has anything to do.</summary>
    /// <param name="slots">Cores and groups of the domain.</param>
    public DomainBoard(int slots)
    {
        _own = new long[slots];
        _incoming = new long[slots];
        Array.Fill(_own, long.MaxValue);
        Array.Fill(_incoming, long.MaxValue);
        Limits = new long[1];
    }

    /// <summary>Where the core phase ended, if its only core stopped before the plan's limit.</summary>
    internal long[] Limits { get; }

    /// <summary>Earliest time at which the holder of a slot has something to do, in cycles.</summary>
    public long Next(int slot) => Math.Min(Volatile.Read(ref _own[slot]), Volatile.Read(ref _incoming[slot]));

    /// <summary>Reads what every slot says; nobody may write meanwhile.</summary>
    internal void ReadAll(Span<long> next)
    {
        ReadOnlySpan<long> own = _own.AsSpan(0, next.Length);
        ReadOnlySpan<long> incoming = _incoming.AsSpan(0, next.Length);
        int slot = 0;
        for (; slot <= next.Length - Vector<long>.Count; slot += Vector<long>.Count)
        {
            Vector.Min(new Vector<long>(own[slot..]), new Vector<long>(incoming[slot..])).CopyTo(next[slot..]);
        }

        for (; slot < next.Length; slot++)
        {
            next[slot] = Math.Min(own[slot], incoming[slot]);
        }
    }

    /// <summary>The holder of a slot says when it has something to do by itself.</summary>
    public void SetOwn(int slot, long time) => Volatile.Write(ref _own[slot], time);

    /// <summary>A sender says when the earliest of its messages to a slot's holder falls due.</summary>
    public void Announce(int slot, long due)
    {
        long seen = Volatile.Read(ref _incoming[slot]);
        while (due < seen)
        {
            long before = Interlocked.CompareExchange(ref _incoming[slot], due, seen);
            if (before == seen)
            {
                return;
            }

            seen = before;
        }
    }

    /// <summary>The holder is about to run and will find everything that was announced in its mailbox.</summary>
    public void ClearIncoming(int slot) => Volatile.Write(ref _incoming[slot], long.MaxValue);

    /// <summary>Earliest delivery time among messages.</summary>
    internal static long Earliest(ReadOnlySpan<SimMessage> messages)
    {
        long earliest = long.MaxValue;
        foreach (ref readonly SimMessage message in messages)
        {
            earliest = Math.Min(earliest, message.Due);
        }

        return earliest;
    }
}
