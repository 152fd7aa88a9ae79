using VmSim.Core.Addresses;

namespace VmSim.Core.Kernel;

/// <summary>
/// Who interrupted whom for shootdowns: a count for each pair of cores or, where there are many cores, of blocks of cores that follow each
/// other.
/// </summary>
/// <param name="cores">Cores of the machine; 1 or more.</param>
public sealed class InterruptMatrix(int cores)
{
    /// <summary>Rows and columns at most, so that a matrix takes at most 32 KiB and is readable as a picture.</summary>
    public const int BlocksMax = 64;

    private readonly int _perBlock = CoresPerBlock(cores);
    private readonly int _blocks = BlocksOf(cores);
    private long[] _counts = [];

    /// <summary>The counts, by initiator and then by target; empty if there were none.</summary>
    public IReadOnlyList<long> Counts => _counts;

    /// <summary>Cores of a block on a machine with so many cores.</summary>
    public static int CoresPerBlock(int cores) => (cores + BlocksMax - 1) / BlocksMax;

    /// <summary>Blocks of a machine with so many cores.</summary>
    public static int BlocksOf(int cores) => (cores + CoresPerBlock(cores) - 1) / CoresPerBlock(cores);

    /// <summary>A core interrupts another one.</summary>
    public void Add(CoreId from, CoreId to)
    {
        if (_counts.Length == 0)
        {
            _counts = new long[_blocks * _blocks];
        }

        _counts[(from.Value / _perBlock * _blocks) + (to.Value / _perBlock)]++;
    }

    /// <summary>All counts are 0 from now on.</summary>
    public void Reset() => _counts = [];
}
