using System.Collections.Concurrent;
using System.Data.Common;

namespace VmSim.Host.Service;

/// <summary>
/// Changes of a store that are asked for while the disk is at another one are made together, in one transaction: a disk that takes some
/// milliseconds for each does as many changes a second as there are askers. Nobody is told of a change before it is on the disk.
/// </summary>
internal sealed class StoreWriter : IDisposable
{
    /// <summary>
    /// Changes of one transaction, for which those who ask next wait. Any number would do that is large beside what one wait for the disk
    /// is worth in changes, and small beside a second's.
    /// </summary>
    private const int GroupMax = 512;

    private readonly BlockingCollection<StoreChange> _asked = [];
    private readonly Func<IReadOnlyList<StoreChange>, bool> _make;
    private readonly Thread _thread;

    /// <summary>Begins to write.</summary>
    /// <param name="make">
    /// Makes changes in one transaction; false if one of several could not be made, so that none is, and each is to be tried alone. A
    /// transaction of which nobody knows whether it was ended is an exception.
    /// </param>
    public StoreWriter(Func<IReadOnlyList<StoreChange>, bool> make)
    {
        _make = make;
        _thread = new Thread(Write) { IsBackground = true, Name = "store" };
        _thread.Start();
    }

    /// <summary>Makes a change.</summary>
    /// <returns>Ends when it is on the disk.</returns>
    public Task<T> ChangeAsync<T>(Func<DbConnection, T> work)
    {
        StoreChange<T> change = new(work);
        try
        {
            _asked.Add(change);
        }
        catch (InvalidOperationException reason)
        {
            change.Fail(new IOException("the store is closed", reason));
        }

        return change.Made;
    }

    /// <summary>Makes what has been asked for, and ends.</summary>
    public void Dispose()
    {
        // What is asked for after this is refused; the collection needs no end of its own.
        _asked.CompleteAdding();
        _thread.Join();
    }

    private void Write()
    {
        List<StoreChange> group = [];
        foreach (StoreChange first in _asked.GetConsumingEnumerable())
        {
            group.Add(first);
            while (group.Count < GroupMax && _asked.TryTake(out StoreChange? next))
            {
                group.Add(next);
            }

            if (!TryMake(group))
            {
                foreach (StoreChange one in group)
                {
                    TryMake([one]);
                }
            }

            group.Clear();
        }
    }

    /// <summary>Makes changes, and says so to those who wait.</summary>
    /// <returns>Whether they know what has become of it.</returns>
    private bool TryMake(IReadOnlyList<StoreChange> changes)
    {
        try
        {
            if (!_make(changes))
            {
                return false;
            }
        }
        catch (Exception reason)
        {
            foreach (StoreChange change in changes)
            {
                change.Fail(reason);
            }

            return true;
        }

        foreach (StoreChange change in changes)
        {
            change.Succeed();
        }

        return true;
    }
}
