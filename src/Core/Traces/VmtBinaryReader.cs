using System.Text;

namespace VmSim.Core.Traces;

/// <summary>Reads the binary form of .vmt block by block, each checked before any of it is used.</summary>
public sealed class VmtBinaryReader : IVmtSource, IDisposable
{
    private readonly IVmtBlocks _blocks;
    private readonly VmtBlock _block = new();
    private readonly ulong[] _lastPages = new ulong[3];
    private int _at;
    private uint _left;
    private uint _thread;
    private ulong _accesses;

    /// <summary>Reads from <paramref name="stream"/>, whose head is checked at once.</summary>
    /// <exception cref="TraceFormatException">It is not a binary trace of this version.</exception>
    public VmtBinaryReader(Stream stream, string file)
        : this(new VmtBlockReader(stream, file))
    {
    }

    /// <summary>Reads the records of a trace's blocks.</summary>
    /// <param name="blocks">The blocks, which are disposed of with this.</param>
    public VmtBinaryReader(IVmtBlocks blocks)
    {
        ArgumentNullException.ThrowIfNull(blocks);
        _blocks = blocks;
    }

    /// <inheritdoc/>
    public string File => _blocks.File;

    /// <summary>Records read so far.</summary>
    public long Records { get; private set; }

    /// <inheritdoc/>
    public TraceFormatException Bad(string found, string allowed) => TraceFormatException.AtByte(File, _block.Offset, found, allowed);

    /// <inheritdoc/>
    public bool Read(ref VmtRecord record)
    {
        if (_left == 0 && !ReadBlock())
        {
            return false;
        }

        _left--;
        Records++;
        ReadOnlySpan<byte> raw = _block.Raw;
        if ((uint)_at >= (uint)raw.Length)
        {
            throw Damaged();
        }

        byte first = raw[_at++];
        VmtKind kind = (VmtKind)(first & 0x1F);
        bool hasMore = (first & VmtBinary.MoreBit) != 0;
        bool isAccess = kind is >= VmtKind.Fetch and <= VmtKind.Store;
        record = isAccess ? ReadAccess(kind, raw, hasMore) : ReadOther(kind, raw, hasMore);
        return true;
    }

    /// <inheritdoc/>
    public int ReadAccesses(Span<VmtAccess> accesses)
    {
        if (_left == 0 && !ReadBlock())
        {
            return 0;
        }

        ReadOnlySpan<byte> raw = _block.Raw;
        int most = (int)Math.Min((uint)accesses.Length, _left);
        int done = 0;
        for (; done < most && TryReadAccess(raw, out accesses[done]); done++)
        {
        }

        _left -= (uint)done;
        Records += done;
        return done;
    }

    /// <inheritdoc/>
    public void Dispose() => _blocks.Dispose();

    /// <summary>Reads a record that is a reference to a page and undamaged; any other is left as it stands.</summary>
    private bool TryReadAccess(ReadOnlySpan<byte> raw, out VmtAccess access)
    {
        access = default;
        int at = _at;
        if ((uint)at >= (uint)raw.Length)
        {
            return false;
        }

        byte first = raw[at++];
        VmtKind kind = (VmtKind)(first & 0x1F);
        if (kind is not (VmtKind.Fetch or VmtKind.Load or VmtKind.Store) || !VmtBinary.TryReadNumber(raw, ref at, out ulong difference))
        {
            return false;
        }

        ref ulong last = ref _lastPages[kind - VmtKind.Fetch];
        ulong page = last + (ulong)VmtBinary.Unzigzag(difference);
        ulong count = 1;
        if (((first & VmtBinary.MoreBit) != 0 && !VmtBinary.TryReadNumber(raw, ref at, out count))
            || page >> 52 != 0 || count - 1 >= VmtTextReader.MaxCount)
        {
            return false;
        }

        last = page;
        _at = at;
        _accesses += count;
        access = new VmtAccess(kind, page, count);
        return true;
    }

    private VmtRecord ReadAccess(VmtKind kind, ReadOnlySpan<byte> raw, bool hasCount)
    {
        if (!VmtBinary.TryReadNumber(raw, ref _at, out ulong difference))
        {
            throw Damaged();
        }

        ref ulong last = ref _lastPages[kind - VmtKind.Fetch];
        last += (ulong)VmtBinary.Unzigzag(difference);
        ulong count = 1;
        if ((hasCount && !VmtBinary.TryReadNumber(raw, ref _at, out count)) || last >> 52 != 0 || count - 1 >= VmtTextReader.MaxCount)
        {
            throw Damaged();
        }

        _accesses += count;
        return VmtRecord.Access(kind, last, count);
    }

    private VmtRecord ReadOther(VmtKind kind, ReadOnlySpan<byte> raw, bool hasText)
    {
        Span<ulong> numbers = stackalloc ulong[5];
        bool good = true;
        for (int i = 0; i < numbers.Length; i++)
        {
            good &= VmtBinary.TryReadNumber(raw, ref _at, out numbers[i]);
        }

        good &= VmtBinary.TryReadNumber(raw, ref _at, out ulong file);
        VmtRecord record = VmtRecord.OfNumbers(kind, numbers, (int)Math.Min(file, int.MaxValue) - 1);
        ulong length = 0;
        good = good && file <= int.MaxValue && (!hasText || VmtBinary.TryReadNumber(raw, ref _at, out length))
            && length <= (ulong)(raw.Length - _at);
        if (!good || !VmtRules.IsLegal(record, hasText))
        {
            throw Damaged();
        }

        _thread = kind == VmtKind.Thread ? (uint)record.Number : _thread;
        if (!hasText)
        {
            return record;
        }

        string text = Encoding.UTF8.GetString(raw.Slice(_at, (int)length));
        _at += (int)length;
        record = record.WithText(text);
        return VmtRules.IsLegalText(record) ? record : throw Damaged();
    }

    private bool ReadBlock()
    {
        // A block's records take all its bytes and have as many accesses as its head says, or the head is damaged.
        if (_at != _block.Length || _accesses != _block.Accesses)
        {
            throw Damaged();
        }

        if (!_blocks.Read(_block))
        {
            return false;
        }

        if (_block.Thread != _thread)
        {
            throw TraceFormatException.AtByte(
                File, _block.Offset + 20, $"a block that begins in thread {_block.Thread}", $"thread {_thread}");
        }

        _left = _block.Records;
        _at = 0;
        _accesses = 0;
        Array.Clear(_lastPages);
        return true;
    }

    private TraceFormatException Damaged() =>
        TraceFormatException.AtByte(
            File, _block.Offset, $"record {Records} of the trace, in the block that begins here, makes no sense", "a record");
}
