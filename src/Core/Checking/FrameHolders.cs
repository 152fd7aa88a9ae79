using VmSim.Core.Addresses;
using VmSim.Core.Memory;

namespace VmSim.Core.Checking;

/// <summary>
/// Which cores may hold a translation to each frame of a pool, and of which page. It is a superset: noted when a core uses a frame, and
/// forgotten when the frame is free. It spares looking through every TLB of the machine whenever memory is given back.
/// </summary>
/// <remarks>Chunks of 512 frames, made while address spaces run; a frame has one word for its page and one bit for each core.</remarks>
internal sealed class FrameHolders
{
    /// <summary>Stands for a page where a frame was used through several.</summary>
    public const ulong Several = ulong.MaxValue;

    private const int ChunkShift = 9;
    private const int ChunkFrames = 1 << ChunkShift;
    private readonly FramePool _pool;
    private readonly int _sizeShift;
    private readonly int _stride;
    private ulong[]?[] _chunks = new ulong[]?[8];

    /// <summary>Makes an empty table.</summary>
    /// <param name="pool">The pool.</param>
    /// <param name="cores">Cores of the machine.</param>
    /// <param name="size">Size of the translations that are noted here.</param>
    public FrameHolders(FramePool pool, int cores, PageSize size)
    {
        _pool = pool;
        _sizeShift = (int)size - PageSizes.BaseShift;
        _stride = 1 + ((cores + 63) / 64);
    }

    /// <summary>Makes room for frames of 4 KiB. No core may run meanwhile.</summary>
    public void Cover(ulong frame, ulong count)
    {
        ulong last = _pool.Zero.PageNumber + FramePool.BlockFrames + (ulong)_pool.Capacity - 1;
        if (frame < _pool.Zero.PageNumber || frame > last)
        {
            return;
        }

        ulong end = IndexOf(Math.Min(last, frame + count - 1)) >> ChunkShift;
        for (ulong chunk = IndexOf(frame) >> ChunkShift; chunk <= end; chunk++)
        {
            if (chunk >= (ulong)_chunks.Length)
            {
                Array.Resize(ref _chunks, (int)Math.Max(chunk + 1, 2 * (ulong)_chunks.Length));
            }

            _chunks[chunk] ??= new ulong[ChunkFrames * _stride];
        }
    }

    /// <summary>A core has used a frame of 4 KiB through a translation of this size. Cores may run at the same time.</summary>
    public void Note(ulong frame, ulong page, int core)
    {
        Span<ulong> entry = Entry(frame);
        if (entry.IsEmpty)
        {
            return;
        }

        ulong known = (page >> _sizeShift) + 1;
        if (entry[0] != known && entry[0] != Several && Interlocked.CompareExchange(ref entry[0], known, 0) is not 0 and ulong other
            && other != known)
        {
            Volatile.Write(ref entry[0], Several);
        }

        ref ulong word = ref entry[1 + (core >> 6)];
        ulong bit = 1UL << (core & 63);
        if ((Volatile.Read(ref word) & bit) == 0)
        {
            Interlocked.Or(ref word, bit);
        }
    }

    /// <summary>The cores that may hold a translation of this size to a frame of 4 KiB, 64 a word; empty if none was noted.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="page">The page of 4 KiB through which the frame is reached; <see cref="Several"/> if there was more than one.</param>
    public ReadOnlySpan<ulong> CoresOf(ulong frame, out ulong page)
    {
        Span<ulong> entry = Entry(frame);
        page = entry.IsEmpty || entry[0] == 0
            ? 0
            : entry[0] == Several ? Several : ((entry[0] - 1) << _sizeShift) + (frame & ((1UL << _sizeShift) - 1));
        return entry.IsEmpty || entry[0] == 0 ? [] : entry[1..];
    }

    /// <summary>No core holds a translation to the frame that could be used.</summary>
    public void Forget(ulong frame) => Entry(frame).Clear();

    private ulong IndexOf(ulong frame) => (frame - _pool.Zero.PageNumber) >> _sizeShift;

    private Span<ulong> Entry(ulong frame)
    {
        ulong index = IndexOf(frame);
        ulong chunk = index >> ChunkShift;
        return chunk < (ulong)_chunks.Length && _chunks[chunk] is { } entries
            ? entries.AsSpan((int)(index & (ChunkFrames - 1)) * _stride, _stride)
            : [];
    }
}
