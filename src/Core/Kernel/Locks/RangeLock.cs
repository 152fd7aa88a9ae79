namespace VmSim.Core.Kernel.Locks;

/// <summary>
/// A lock for each page: an operation has those of all its pages, and waits on its core, first come first served, while another one has or
/// waits for any of them (RadixVM: a bit in each slot of the radix tree; Clements and others, EuroSys 2013, section 3.2).
/// </summary>
/// <param name="signals">Tells those that wait.</param>
internal sealed class RangeLock(IRwsemSignals signals)
{
    private readonly List<KernelOperation> _active = [];

    /// <summary>Operations that wait, in the order in which they came.</summary>
    private readonly List<KernelOperation> _waiting = [];

    /// <summary>Whether the operation may start now; it waits if not.</summary>
    public bool TryEnter(KernelOperation operation)
    {
        if (Overlaps(_active, _active.Count, operation) || Overlaps(_waiting, _waiting.Count, operation))
        {
            _waiting.Add(operation);
            return false;
        }

        _active.Add(operation);
        return true;
    }

    /// <summary>The operation has ended.</summary>
    public void Leave(KernelOperation operation)
    {
        _active.Remove(operation);
        for (int i = 0; i < _waiting.Count;)
        {
            KernelOperation next = _waiting[i];
            if (Overlaps(_active, _active.Count, next) || Overlaps(_waiting, i, next))
            {
                i++;
                continue;
            }

            _waiting.RemoveAt(i);
            _active.Add(next);
            signals.Takes(next);
        }
    }

    /// <summary>For an operation that waits: one that it waits for; null if it does not wait.</summary>
    public KernelOperation? BlockerOf(KernelOperation operation)
    {
        int place = _waiting.IndexOf(operation);
        return place < 0
            ? null
            : _active.Find(active => active.Overlaps(operation)) ?? _waiting.Find(waiting => waiting.Overlaps(operation));
    }

    private static bool Overlaps(List<KernelOperation> operations, int count, KernelOperation operation)
    {
        for (int i = 0; i < count; i++)
        {
            if (operations[i].Overlaps(operation))
            {
                return true;
            }
        }

        return false;
    }
}
