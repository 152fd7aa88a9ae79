using System.Diagnostics;
using System.Numerics;
using VmSim.Core.Addresses;

namespace VmSim.Core.Memory;

/// <summary>How free frames are found: partly free blocks before free ones before fresh ones, the lowest free frame of the block.</summary>
public sealed partial class FramePool
{
    private const byte KindMask = 0x0F;
    private const byte ExclusiveBit = 0x80;
    private const int None = -1;

    private Block?[] _blocks = new Block?[8];
    private int _fresh = 1;
    private int _partlyFree = None;
    private int _whollyFree = None;

    /// <summary>Takes a free frame of 4 KiB and gives it one reference.</summary>
    /// <param name="kind">What it will hold; not <see cref="FrameKind.Free"/>.</param>
    /// <param name="frame">The frame, with one reference; anonymous frames are exclusive.</param>
    /// <returns>False, and nothing changes, when none is free.</returns>
    public bool TryAllocate(FrameKind kind, out PhysAddr frame)
    {
        Debug.Assert(kind != FrameKind.Free, "an allocated frame holds something");
        frame = default;
        if (Allocated >= Capacity)
        {
            return false;
        }

        int number = _partlyFree;
        if (number == None)
        {
            number = TakeWholeBlock(allowTail: true);
            Link(ref _partlyFree, number);
        }

        Block block = _blocks[number]!;
        int slot = block.LowestFree();
        block.Take(slot);
        if (block.FreeCount == 0)
        {
            Unlink(ref _partlyFree, number);
        }

        Occupy(block, slot, kind);
        frame = PhysAddr.OfPage(_base + ((ulong)number << BlockShift) + (ulong)slot);
        Note(kind, frame, 1);
        return true;
    }

    /// <summary>Takes the adjacent, aligned frames of a large page.</summary>
    /// <param name="size">2 MiB or 1 GiB.</param>
    /// <param name="kind">What they will hold.</param>
    /// <param name="frame">The first frame; each has one reference.</param>
    /// <returns>False, and nothing changes, when no aligned run is free.</returns>
    public bool TryAllocateLarge(PageSize size, FrameKind kind, out PhysAddr frame)
    {
        Debug.Assert(size is PageSize.Size2M or PageSize.Size1G, "large frames are 2 MiB or 1 GiB");
        int blocks = (int)(size.BasePages() >> BlockShift);
        int first = blocks == 1 ? TakeWholeBlock(allowTail: false) : TakeRun(blocks);
        frame = default;
        if (first == None)
        {
            return false;
        }

        for (int number = first; number < first + blocks; number++)
        {
            Block block = _blocks[number]!;
            for (int slot = 0; slot < BlockFrames; slot++)
            {
                Occupy(block, slot, kind);
            }

            block.TakeAll();
        }

        frame = PhysAddr.OfPage(_base + ((ulong)first << BlockShift));
        Note(kind, frame, size.BasePages());
        return true;
    }

    /// <summary>A device writes pages of files; the kernel clears or copies the others.</summary>
    private void Note(FrameKind kind, PhysAddr frame, ulong count)
    {
        if (kind != FrameKind.File)
        {
            HandedOut?.Add((frame.PageNumber, count));
        }
    }

    private void Occupy(Block block, int slot, FrameKind kind)
    {
        block.References[slot] = 1;
        block.Kinds[slot] = (byte)(kind == FrameKind.Anonymous ? (byte)kind | ExclusiveBit : (byte)kind);
        Contents?.Clear(_base + ((ulong)block.Number << BlockShift) + (ulong)slot);
        Allocated++;
        Counters[FrameCounters.Allocated]++;
        Peak = Math.Max(Peak, Allocated);
    }

    private void Free(Block block, int slot)
    {
        bool wasFull = block.FreeCount == 0;
        block.Kinds[slot] = 0;
        block.Give(slot);
        Allocated--;
        Counters[FrameCounters.Freed]++;
        if (wasFull)
        {
            Link(ref _partlyFree, block.Number);
        }

        if (block.FreeCount == BlockFrames)
        {
            Unlink(ref _partlyFree, block.Number);
            Link(ref _whollyFree, block.Number);
        }
    }

    /// <summary>A block none of whose frames is in use, unlinked; its frames are still marked free.</summary>
    private int TakeWholeBlock(bool allowTail)
    {
        int number = _whollyFree;
        if (number != None)
        {
            Unlink(ref _whollyFree, number);
            return number;
        }

        int size = FramesOf(_fresh);
        return size == BlockFrames || (allowTail && size > 0) ? MakeBlock(_fresh++) : None;
    }

    /// <summary>An aligned run of whole blocks, unlinked: fresh ones, or the lowest run that is wholly free again.</summary>
    private int TakeRun(int blocks)
    {
        for (int first = blocks; first < _blockCount; first += blocks)
        {
            if (!RunIsFree(first, blocks))
            {
                continue;
            }

            while (_fresh < first)
            {
                Link(ref _whollyFree, MakeBlock(_fresh++));
            }

            for (int number = first; number < first + blocks; number++)
            {
                if (number < _fresh)
                {
                    Unlink(ref _whollyFree, number);
                }
                else
                {
                    MakeBlock(_fresh++);
                }
            }

            return first;
        }

        return None;
    }

    private bool RunIsFree(int first, int blocks)
    {
        for (int number = first; number < first + blocks; number++)
        {
            if (FramesOf(number) < BlockFrames || (number < _fresh && _blocks[number]!.FreeCount < BlockFrames))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Frames that block <paramref name="number"/> has: 512, fewer in the last one, none past it.</summary>
    private int FramesOf(int number) => (int)Math.Clamp(Capacity - ((long)(number - 1) << BlockShift), 0, BlockFrames);

    private int MakeBlock(int number)
    {
        if (number >= _blocks.Length)
        {
            Array.Resize(ref _blocks, Math.Max(number + 1, Math.Min(_blocks.Length * 2, _blockCount)));
        }

        _blocks[number] = new Block(number, FramesOf(number));
        return number;
    }

    private void Link(ref int head, int number)
    {
        Block block = _blocks[number]!;
        block.Previous = None;
        block.Next = head;
        if (head != None)
        {
            _blocks[head]!.Previous = number;
        }

        head = number;
    }

    private void Unlink(ref int head, int number)
    {
        Block block = _blocks[number]!;
        if (block.Previous != None)
        {
            _blocks[block.Previous]!.Next = block.Next;
        }
        else
        {
            Debug.Assert(head == number, "the first block of a list has no predecessor");
            head = block.Next;
        }

        if (block.Next != None)
        {
            _blocks[block.Next]!.Previous = block.Previous;
        }
    }

    /// <summary>512 adjacent frames: counts, kinds and a bitmap of the free ones.</summary>
    private sealed class Block
    {
        private readonly ulong[] _free = new ulong[BlockFrames / 64];

        internal Block(int number, int frames)
        {
            Number = number;
            for (int slot = 0; slot < frames; slot++)
            {
                Give(slot);
            }
        }

        internal int Number { get; }

        internal int Next { get; set; } = None;

        internal int Previous { get; set; } = None;

        internal int FreeCount { get; private set; }

        internal int[] References { get; } = new int[BlockFrames];

        internal byte[] Kinds { get; } = new byte[BlockFrames];

        internal int LowestFree()
        {
            int word = 0;
            while (_free[word] == 0)
            {
                word++;
            }

            return (word << 6) + BitOperations.TrailingZeroCount(_free[word]);
        }

        internal void Take(int slot)
        {
            _free[slot >> 6] &= ~(1UL << slot);
            FreeCount--;
        }

        internal void TakeAll()
        {
            Array.Clear(_free);
            FreeCount = 0;
        }

        internal void Give(int slot)
        {
            _free[slot >> 6] |= 1UL << slot;
            FreeCount++;
        }
    }
}
