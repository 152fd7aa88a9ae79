namespace VmSim.Core.Kernel.Locks;

/// <summary>Locks by what they protect, made when first asked for. Remembers the last one, because faults come in runs.</summary>
internal sealed class LockDirectory
{
    private readonly Dictionary<ulong, VirtualLock> _locks = [];
    private VirtualLock? _last;
    private ulong _lastKey;

    /// <summary>How many there are.</summary>
    public int Count => _locks.Count;

    /// <summary>What they protect, in no order.</summary>
    public IEnumerable<ulong> Keys => _locks.Keys;

    /// <summary>The lock with a key.</summary>
    public VirtualLock Of(ulong key)
    {
        if (_last is not null && _lastKey == key)
        {
            return _last;
        }

        if (!_locks.TryGetValue(key, out VirtualLock? found))
        {
            _locks.Add(key, found = new VirtualLock());
        }

        _lastKey = key;
        return _last = found;
    }

    /// <summary>The lock with a key; null if nobody has asked for it.</summary>
    public VirtualLock? Find(ulong key) => _locks.GetValueOrDefault(key);

    /// <summary>Forgets the lock with a key, if there is one; allowed while walking over <see cref="Keys"/>.</summary>
    public void Remove(ulong key)
    {
        _locks.Remove(key);
        _last = null;
    }
}
