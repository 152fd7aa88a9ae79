using System.Runtime.CompilerServices;
using VmSim.Core.Addresses;

namespace VmSim.Core.VirtualTime;

/// <summary>Pending messages of one receiver, earliest first: a binary heap in one array.</summary>
public sealed class MessageHeap
{
    private SimMessage[] _items = new SimMessage[4];

    /// <summary>How many messages wait.</summary>
    public int Count { get; private set; }

    /// <summary>Delivery time of the earliest message; <see cref="Cycles.Never"/> when none waits.</summary>
    public Cycles NextDue => Count == 0 ? Cycles.Never : _items[0].Due;

    /// <summary>The earliest message; one must wait.</summary>
    public ref readonly SimMessage Peek() => ref _items[0];

    /// <summary>Adds a message.</summary>
    public void Push(in SimMessage message)
    {
        if (Count == _items.Length)
        {
            Array.Resize(ref _items, Count * 2);
        }

        int hole = Count++;
        while (hole > 0)
        {
            int parent = (hole - 1) >> 1;
            if (!message.Before(_items[parent]))
            {
                break;
            }

            _items[hole] = _items[parent];
            hole = parent;
        }

        _items[hole] = message;
    }

    /// <summary>Removes the earliest message; one must wait.</summary>
    public SimMessage Pop()
    {
        SimMessage first = _items[0];
        Count--;
        if (Count > 0)
        {
            SiftDown(_items[Count]);
        }

        return first;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void SiftDown(in SimMessage last)
    {
        SimMessage moved = last;
        int hole = 0;
        while (true)
        {
            int child = (2 * hole) + 1;
            if (child >= Count)
            {
                break;
            }

            if (child + 1 < Count && _items[child + 1].Before(_items[child]))
            {
                child++;
            }

            if (!_items[child].Before(moved))
            {
                break;
            }

            _items[hole] = _items[child];
            hole = child;
        }

        _items[hole] = moved;
    }
}
