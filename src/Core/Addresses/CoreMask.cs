using System.Numerics;

namespace VmSim.Core.Addresses;

/// <summary>A set of cores, one bit each, walked in ascending order.</summary>
/// <param name="cores">Cores of the machine.</param>
public sealed class CoreMask(int cores)
{
    private readonly ulong[] _words = new ulong[(cores + 63) / 64];

    /// <summary>Cores in the set.</summary>
    public int Count { get; private set; }

    /// <summary>Whether the core is in the set.</summary>
    public bool Contains(int core) => (_words[core >> 6] & (1UL << (core & 63))) != 0;

    /// <summary>Whether the core is in the set; false for a number that the machine does not have.</summary>
    public bool Contains(CoreId core) => (uint)core.Value < (uint)cores && Contains(core.Value);

    /// <summary>Puts a core in.</summary>
    public void Add(int core)
    {
        Count += Contains(core) ? 0 : 1;
        _words[core >> 6] |= 1UL << (core & 63);
    }

    /// <summary>Puts all cores of another set in.</summary>
    /// <param name="others">A set of the same machine.</param>
    public void AddAll(CoreMask others)
    {
        ArgumentNullException.ThrowIfNull(others);
        Count = 0;
        for (int word = 0; word < _words.Length; word++)
        {
            _words[word] |= others._words[word];
            Count += BitOperations.PopCount(_words[word]);
        }
    }

    /// <summary>Takes a core out.</summary>
    public void Remove(int core)
    {
        Count -= Contains(core) ? 1 : 0;
        _words[core >> 6] &= ~(1UL << (core & 63));
    }

    /// <summary>The lowest core in the set at or above <paramref name="from"/>; -1 if there is none.</summary>
    public int Next(int from)
    {
        int word = from >> 6;
        if (word >= _words.Length)
        {
            return -1;
        }

        ulong bits = _words[word] & (ulong.MaxValue << (from & 63));
        while (bits == 0)
        {
            if (++word == _words.Length)
            {
                return -1;
            }

            bits = _words[word];
        }

        return (word << 6) + BitOperations.TrailingZeroCount(bits);
    }
}
