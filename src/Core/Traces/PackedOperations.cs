using System.Diagnostics;
using VmSim.Core.Addresses;
using VmSim.Core.Programs;

namespace VmSim.Core.Traces;

/// <summary>
/// A thread's operations in blocks of 64-bit words. Two private words for repetition bound the number of words that a record takes, however
/// often it counts.
/// </summary>
/// <remarks>
/// A word is an <see cref="Operation"/> or a control word. <see cref="Repeat"/> says that the word before stands argument times more,
/// <see cref="NextPages"/> that the kernel access before goes on over argument further pages.
/// </remarks>
internal sealed class PackedOperations
{
    /// <summary>Private control kind: repeats the word before.</summary>
    public const ControlKind Repeat = (ControlKind)62;

    /// <summary>Private control kind: continues the word before, a control word whose argument grows by one each time.</summary>
    public const ControlKind NextPages = (ControlKind)63;

    private const int BlockShift = 13;

    /// <summary>Words of a block.</summary>
    internal const int BlockLength = 1 << BlockShift;

    private readonly List<ulong[]> _blocks = [];
    private ulong[] _last = [];

    /// <summary>Words that were added so far.</summary>
    public long Count { get; private set; }

    /// <summary>The word at <paramref name="index"/>.</summary>
    public ulong this[long index] => _blocks[(int)(index >> BlockShift)][index & (BlockLength - 1)];

    /// <summary>Adds a word and gives its index.</summary>
    public long Add(ulong word)
    {
        int offset = (int)(Count & (BlockLength - 1));
        if (offset == 0)
        {
            _last = new ulong[BlockLength];
            _blocks.Add(_last);
        }

        _last[offset] = word;
        return Count++;
    }

    /// <summary>Adds <paramref name="count"/> references to one page and gives the index of the first word.</summary>
    public long AddAccess(AccessKind kind, ulong address, ulong count)
    {
        if (count <= Operation.MaxCount)
        {
            return Add(Operation.Access(kind, address, (int)count));
        }

        ulong full = count / Operation.MaxCount;
        int rest = (int)(count % Operation.MaxCount);
        long first = Count;
        if (full > 0)
        {
            Add(Operation.Access(kind, address, Operation.MaxCount));
        }

        if (full > 1)
        {
            Add(Operation.ControlWord(Repeat, full - 1));
        }

        if (rest > 0)
        {
            Add(Operation.Access(kind, address, rest));
        }

        return first;
    }

    /// <summary>
    /// Adds a kernel access to <paramref name="pages"/> pages from <paramref name="page"/> and gives the first word's index.
    /// </summary>
    public long AddKernelAccess(ControlKind kind, ulong page, ulong pages)
    {
        Debug.Assert(kind is ControlKind.KernelLoad or ControlKind.KernelStore && pages > 0, "a kernel access touches pages");
        long first = Add(Operation.ControlWord(kind, page));
        if (pages > 1)
        {
            Add(Operation.ControlWord(NextPages, pages - 1));
        }

        return first;
    }

    /// <summary>How many pages the kernel access at <paramref name="index"/> is of.</summary>
    public ulong KernelPagesAt(long index)
    {
        ulong next = index + 1 < Count ? this[index + 1] : 0;
        bool goesOn = (next & 0xFF) == (((ulong)NextPages << 2) | Operation.ControlTag);
        return goesOn ? (next >> 8) + 1 : 1;
    }

    /// <summary>The operations with <paramref name="insertions"/> (sorted by place) woven in.</summary>
    public PackedOperations Weave(IReadOnlyList<OrderInsertion> insertions)
    {
        if (insertions.Count == 0)
        {
            return this;
        }

        PackedOperations woven = new PackedOperations();
        int next = 0;
        for (long index = 0; index < Count; index++)
        {
            ulong word = this[index];
            for (; !IsContinuation(word) && next < insertions.Count && insertions[next].Place <= 2 * index; next++)
            {
                woven.Add(insertions[next].Word);
            }

            woven.Add(word);
        }

        for (; next < insertions.Count; next++)
        {
            woven.Add(insertions[next].Word);
        }

        return woven;
    }

    /// <summary>Whether a word means something only together with the word before it.</summary>
    internal static bool IsContinuation(ulong word) => (word & 0xFB) == (((ulong)Repeat << 2) | Operation.ControlTag);

    /// <summary>The words from an index to the end of their block.</summary>
    internal ReadOnlySpan<ulong> BlockFrom(long index)
    {
        int offset = (int)(index & (BlockLength - 1));
        return _blocks[(int)(index >> BlockShift)].AsSpan(offset, (int)Math.Min(BlockLength - offset, Count - index));
    }

    /// <summary>A fresh stream over the operations.</summary>
    public IOperationStream Open() => new PackedReader(this);
}
