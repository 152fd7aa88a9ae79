using System.Numerics;

namespace VmSim.Core.Paging;

/// <summary>
/// A queue in one array whose items keep their number for life: appended at the end, dropped at either end, read at any number between.
/// </summary>
/// <typeparam name="T">A plain value.</typeparam>
internal sealed class RingQueue<T>
    where T : unmanaged
{
    // An empty queue gives larger memory than this back to the host.
    private const int KeptItems = 1 << 20;

    private T[] _items = [];

    /// <summary>The number of the oldest item kept.</summary>
    public long First { get; private set; }

    /// <summary>The number the next item will have.</summary>
    public long End { get; private set; }

    public long Count => End - First;

    public ref T this[long number] => ref _items[number & (_items.Length - 1)];

    public void Append(in T item)
    {
        Reserve(1);
        this[End++] = item;
    }

    public void Append(ReadOnlySpan<T> more)
    {
        if (more.IsEmpty)
        {
            return;
        }

        Reserve(more.Length);
        int at = (int)(End & (_items.Length - 1));
        int straight = Math.Min(more.Length, _items.Length - at);
        more[..straight].CopyTo(_items.AsSpan(at));
        more[straight..].CopyTo(_items);
        End += more.Length;
    }

    public void CopyTo(long number, Span<T> target)
    {
        if (target.IsEmpty)
        {
            return;
        }

        int at = (int)(number & (_items.Length - 1));
        int straight = Math.Min(target.Length, _items.Length - at);
        _items.AsSpan(at, straight).CopyTo(target);
        _items.AsSpan(0, target.Length - straight).CopyTo(target[straight..]);
    }

    public void DropFirst(long count)
    {
        First += count;
        if (Count == 0 && _items.Length > KeptItems)
        {
            _items = [];
        }
    }

    public void DropLast(long count) => End -= count;

    /// <summary>Empties the queue and numbers the next item <paramref name="number"/>.</summary>
    public void Restart(long number)
    {
        First = number;
        End = number;
    }

    private void Reserve(int more)
    {
        if (Count + more <= _items.Length)
        {
            return;
        }

        T[] larger = new T[BitOperations.RoundUpToPowerOf2((uint)Math.Max(64, Count + more))];
        for (long number = First; number < End;)
        {
            int from = (int)(number & (_items.Length - 1));
            int to = (int)(number & (larger.Length - 1));
            int straight = (int)Math.Min(End - number, Math.Min(_items.Length - from, larger.Length - to));
            _items.AsSpan(from, straight).CopyTo(larger.AsSpan(to));
            number += straight;
        }

        _items = larger;
    }
}
