using System.Diagnostics;
using System.Globalization;
using VmSim.Core.Addresses;

namespace VmSim.Core.Memory;

/// <summary>
/// The physical frames of one memory pool: which are free, what each holds and how many references it has. Exact, deterministic and not
/// thread-safe: spaces that share a pool belong to one group.
/// </summary>
/// <remarks>
/// The pool is an array of 2 MiB blocks of 512 frames. The first block is the zero block. Its frames read as zeros, are shared by all, and
/// are never allocated or counted. They are the 4 KiB zero page as well as the huge one. Memory for bookkeeping is taken when a block is
/// first used, about 2.6 KiB a block.
/// </remarks>
public sealed partial class FramePool
{
    /// <summary>Frames of one 2 MiB block.</summary>
    internal const int BlockFrames = 512;

    /// <summary>The most bytes of a pool: 8 TiB. Numbers of its 2 MiB blocks, with those of references, fit into 32 bits.</summary>
    public const ulong MaxBytes = 8UL << 40;

    private const int BlockShift = 9;

    private readonly ulong _base;
    private readonly int _blockCount;
    private readonly int _maxReferences;

    /// <summary>Makes a pool in which every frame is free.</summary>
    /// <param name="capacityBytes">Bytes that can be allocated; rounded down to whole 4 KiB frames; at most 8 TiB.</param>
    /// <param name="origin">Physical address of the pool's first frame; a multiple of 1 GiB.</param>
    /// <param name="maxReferences">The most references one frame can have; a further one is refused and never wraps. At least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range.</exception>
    public FramePool(ulong capacityBytes, PhysAddr origin = default, int maxReferences = int.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(capacityBytes, MaxBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxReferences, 1);
        if ((origin.Value & (PageSize.Size1G.Bytes() - 1)) != 0)
        {
            throw new ArgumentOutOfRangeException(nameof(origin), origin, "a pool begins at a multiple of 1 GiB");
        }

        _base = origin.PageNumber;
        _maxReferences = maxReferences;
        Capacity = (long)(capacityBytes >> PageSizes.BaseShift);
        _blockCount = 1 + (int)((Capacity + BlockFrames - 1) >> BlockShift);
    }

    /// <summary>Frames from the pool's first one on, zero block included, of which some may ever have been allocated.</summary>
    internal ulong FramesTouched => (ulong)_fresh << BlockShift;

    /// <summary>Frames that can be allocated in all.</summary>
    public long Capacity { get; }

    /// <summary>Frames that are allocated now.</summary>
    public long Allocated { get; private set; }

    /// <summary>Frames that are free now.</summary>
    public long Available => Capacity - Allocated;

    /// <summary>Pages that mappings may come to need, as far as they are counted (Committed_AS of /proc/meminfo).</summary>
    public long Promised { get; internal set; }

    /// <summary>Frames handed out and given back since counting began.</summary>
    public FrameCounters Counters { get; } = new();

    /// <summary>
    /// Frames that were handed out and that the kernel clears or copies to, in their order: the first one's number and how many. Null while
    /// nobody wants to know; who reads the list empties it.
    /// </summary>
    internal List<(ulong First, ulong Count)>? HandedOut { get; set; }

    /// <summary>The most frames that were allocated at one time.</summary>
    public long Peak { get; private set; }

    /// <summary>The page of zeros that reads of untouched anonymous memory map; 2 MiB of zeros for huge pages start here too.</summary>
    public PhysAddr Zero => PhysAddr.OfPage(_base);

    /// <summary>What the frames hold; null where nobody asks, as in every run whose checker does not compare values.</summary>
    internal FrameContents? Contents { get; set; }

    /// <summary>Whether the frame is part of the zero block.</summary>
    public bool IsZero(PhysAddr frame) => frame.PageNumber - _base < BlockFrames;

    /// <summary>Whether the frame is allocated from this pool now.</summary>
    public bool Owns(PhysAddr frame)
    {
        ulong index = frame.PageNumber - _base;
        return index >= BlockFrames && index >> BlockShift < (ulong)_blocks.Length && _blocks[index >> BlockShift] is { } block
            && block.References[index & (BlockFrames - 1)] != 0;
    }

    /// <summary>
    /// References to a frame: mappings, its page-cache or object entry, and releases that are still pending; 0 when free.
    /// </summary>
    public int References(PhysAddr frame) => Owns(frame) ? BlockOf(frame, out int slot).References[slot] : 0;

    /// <summary>What the frame holds; <see cref="FrameKind.Free"/> for a frame that this pool does not hold.</summary>
    public FrameKind KindOf(PhysAddr frame) =>
        Owns(frame) ? (FrameKind)(BlockOf(frame, out int slot).Kinds[slot] & KindMask) : FrameKind.Free;

    /// <summary>
    /// Whether an anonymous frame belongs to exactly one space that may write to it. It is false from a fork until a write found it no
    /// longer shared (Linux: PageAnonExclusive, include/linux/page-flags.h).
    /// </summary>
    public bool IsExclusive(PhysAddr frame) => (BlockOf(frame, out int slot).Kinds[slot] & ExclusiveBit) != 0;

    /// <summary>Says whether an anonymous frame belongs to exactly one space that may write to it.</summary>
    public void SetExclusive(PhysAddr frame, bool exclusive)
    {
        ref byte kind = ref BlockOf(frame, out int slot).Kinds[slot];
        kind = (byte)(exclusive ? kind | ExclusiveBit : kind & ~ExclusiveBit);
    }

    /// <summary>Gives a frame that is in use one more reference.</summary>
    /// <returns>False, and nothing changes, when the frame has the most references it can have.</returns>
    public bool TryShare(PhysAddr frame)
    {
        ref int references = ref BlockOf(frame, out int slot).References[slot];
        Debug.Assert(references > 0, "a free frame has no owner to share it");
        if (references >= _maxReferences)
        {
            return false;
        }

        references++;
        return true;
    }

    /// <summary>Adds one reference to each frame of a large page.</summary>
    /// <returns>False, and nothing changes, when one of them has the most references it can have.</returns>
    public bool TryShare(PhysAddr frame, PageSize size)
    {
        for (ulong page = 0; page < size.BasePages(); page++)
        {
            if (!TryShare(frame + (page << PageSizes.BaseShift)))
            {
                Release(frame, page);
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether each frame of a page has exactly one reference.</summary>
    public bool IsUnshared(PhysAddr frame, PageSize size)
    {
        for (ulong page = 0; page < size.BasePages(); page += BlockFrames)
        {
            Block block = BlockOf(frame + (page << PageSizes.BaseShift), out int slot);
            int count = (int)Math.Min(size.BasePages(), BlockFrames);
            if (block.References.AsSpan(slot, count).ContainsAnyExcept(1))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Drops one reference; without any left the frame is free.</summary>
    /// <exception cref="InvalidOperationException">The frame is free: a reference was dropped twice.</exception>
    public void Release(PhysAddr frame)
    {
        Block block = BlockOf(frame, out int slot);
        ref int references = ref block.References[slot];
        if (references == 0)
        {
            throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"frame {frame} is free already"));
        }

        if (--references == 0)
        {
            Free(block, slot);
        }
    }

    /// <summary>Drops one reference from each of several adjacent frames.</summary>
    public void Release(PhysAddr frame, ulong frames)
    {
        for (ulong page = 0; page < frames; page++)
        {
            Release(frame + (page << PageSizes.BaseShift));
        }
    }

    private Block BlockOf(PhysAddr frame, out int slot)
    {
        ulong index = frame.PageNumber - _base;
        slot = (int)index & (BlockFrames - 1);
        return _blocks[index >> BlockShift]!;
    }
}
