using System.Buffers.Binary;
using System.Text;
using ZstdSharp;

namespace VmSim.Core.Traces;

/// <summary>Reads the binary form of .vmt block by block, each checked before any of it is used.</summary>
public sealed class VmtBinaryReader : IVmtSource, IDisposable
{
    private readonly Stream _stream;
    private readonly Decompressor _decompressor = new();
    private readonly ulong[] _lastPages = new ulong[3];
    private byte[] _packed = new byte[VmtBinary.BlockBytes];
    private byte[] _raw = new byte[VmtBinary.BlockBytes];
    private int _rawLength;
    private int _at;
    private uint _left;
    private long _offset;
    private long _blockOffset;
    private bool _isAtEnd;
    private uint _thread;
    private ulong _accesses;
    private ulong _blockAccesses;

    /// <summary>What the index must say of the blocks that were read: their number, and the checksum of their entries.</summary>
    private uint _blocks;
    private uint _indexChecksum = uint.MaxValue;

    /// <summary>Reads from <paramref name="stream"/>, whose head is checked at once.</summary>
    /// <exception cref="TraceFormatException">It is not a binary trace of this version.</exception>
    public VmtBinaryReader(Stream stream, string file)
    {
        ArgumentNullException.ThrowIfNull(stream);
        _stream = stream;
        File = file;
        Span<byte> head = stackalloc byte[VmtBinary.HeadBytes];
        Get(head, "the file's head");
        if (!head[..4].SequenceEqual(VmtBinary.Magic))
        {
            throw TraceFormatException.AtByte(file, 0, $"'{LineReader.Printable(head[..4])}'", "a binary trace, which begins with VMTB");
        }

        ushort version = BinaryPrimitives.ReadUInt16LittleEndian(head[4..]);
        if (version != VmtBinary.Version)
        {
            throw TraceFormatException.AtByte(file, 4, $"version {version}", $"version {VmtBinary.Version}");
        }

        if (BinaryPrimitives.ReadUInt16LittleEndian(head[6..]) != 0)
        {
            throw TraceFormatException.AtByte(file, 6, "the two reserved bytes are not 0", "an undamaged head");
        }
    }

    /// <inheritdoc/>
    public string File { get; }

    /// <summary>Records read so far.</summary>
    public long Records { get; private set; }

    /// <inheritdoc/>
    public TraceFormatException Bad(string found, string allowed) => TraceFormatException.AtByte(File, _blockOffset, found, allowed);

    /// <inheritdoc/>
    public bool Read(ref VmtRecord record)
    {
        if (_left == 0 && !ReadBlock())
        {
            return false;
        }

        _left--;
        Records++;
        ReadOnlySpan<byte> raw = _raw.AsSpan(0, _rawLength);
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
    public void Dispose() => _decompressor.Dispose();

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
        if (_at != _rawLength || _accesses != _blockAccesses)
        {
            throw Damaged();
        }

        if (_isAtEnd)
        {
            return false;
        }

        _blockOffset = _offset;
        Span<byte> head = stackalloc byte[VmtBinary.BlockHeadBytes];
        Get(head[..16], "a block or the index");
        uint magic = BinaryPrimitives.ReadUInt32LittleEndian(head);
        if (magic == VmtBinary.IndexMagic)
        {
            ReadIndex(head[..16]);
            return false;
        }

        if (magic != VmtBinary.BlockMagic)
        {
            throw TraceFormatException.AtByte(File, _blockOffset, "neither a block nor the index begins here", "a block");
        }

        Get(head[16..], "a block's head");
        uint rawLength = BinaryPrimitives.ReadUInt32LittleEndian(head[8..]);
        uint packedLength = BinaryPrimitives.ReadUInt32LittleEndian(head[12..]);
        if (rawLength > VmtBinary.MaxBlockBytes || packedLength > VmtBinary.MaxBlockBytes)
        {
            throw TraceFormatException.AtByte(
                File, _blockOffset + 8, $"a block of {rawLength} bytes in {packedLength}", $"at most {VmtBinary.MaxBlockBytes} bytes");
        }

        _left = BinaryPrimitives.ReadUInt32LittleEndian(head[4..]);
        if (_left == 0)
        {
            throw TraceFormatException.AtByte(File, _blockOffset + 4, "a block without records", "at least one record");
        }

        if (BinaryPrimitives.ReadUInt32LittleEndian(head[20..]) is uint thread && thread != _thread)
        {
            throw TraceFormatException.AtByte(File, _blockOffset + 20, $"a block that begins in thread {thread}", $"thread {_thread}");
        }

        _blockAccesses = BinaryPrimitives.ReadUInt64LittleEndian(head[24..]);
        ReadPacked((int)packedLength, (int)rawLength, BinaryPrimitives.ReadUInt32LittleEndian(head[16..]));
        Span<byte> entry = stackalloc byte[VmtBinary.IndexEntryBytes];
        BinaryPrimitives.WriteInt64LittleEndian(entry, _blockOffset);
        BinaryPrimitives.WriteInt64LittleEndian(entry[8..], Records);
        _indexChecksum = Accumulate(_indexChecksum, entry);
        _blocks++;
        return true;
    }

    private void ReadPacked(int packedLength, int rawLength, uint checksum)
    {
        _packed = packedLength > _packed.Length ? new byte[packedLength] : _packed;
        _raw = rawLength > _raw.Length ? new byte[rawLength] : _raw;
        Span<byte> packed = _packed.AsSpan(0, packedLength);
        Get(packed, "a block");
        if (VmtBinary.Checksum(packed) != checksum)
        {
            throw TraceFormatException.AtByte(File, _blockOffset, "the block's checksum does not match", "an undamaged block");
        }

        Unpack(packed, rawLength);
    }

    private void Unpack(ReadOnlySpan<byte> packed, int rawLength)
    {
        try
        {
            _rawLength = _decompressor.Unwrap(packed, _raw.AsSpan(0, rawLength));
        }
        catch (ZstdException error)
        {
            throw TraceFormatException.AtByte(
                File, _blockOffset, $"the block cannot be unpacked ({error.Message})", "an undamaged block", error);
        }

        if (_rawLength != rawLength)
        {
            throw Damaged();
        }

        _at = 0;
        _accesses = 0;
        Array.Clear(_lastPages);
    }

    /// <summary>Checks that the index says of the blocks what they were, and that the file ends with it.</summary>
    private void ReadIndex(ReadOnlySpan<byte> head)
    {
        _isAtEnd = true;
        uint entries = BinaryPrimitives.ReadUInt32LittleEndian(head[4..]);
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(head[8..]);
        if (entries != _blocks || length != (ulong)_blocks * VmtBinary.IndexEntryBytes)
        {
            throw TraceFormatException.AtByte(
                File,
                _blockOffset + 4,
                $"an index of {entries} entries in {length} bytes",
                $"{_blocks} of {VmtBinary.IndexEntryBytes} bytes");
        }

        // An index can be long; it is checked in pieces.
        uint checksum = uint.MaxValue;
        byte[] piece = new byte[Math.Min(length, 1 << 16)];
        for (uint done = 0; done < length; done += (uint)piece.Length)
        {
            Span<byte> part = piece.AsSpan(0, (int)Math.Min((uint)piece.Length, length - done));
            Get(part, "the index");
            checksum = Accumulate(checksum, part);
        }

        Span<byte> end = stackalloc byte[16];
        Get(end, "the file's end");
        if (checksum != _indexChecksum || ~checksum != BinaryPrimitives.ReadUInt32LittleEndian(head[12..])
            || !end[8..].SequenceEqual(VmtBinary.EndMagic) || BinaryPrimitives.ReadInt64LittleEndian(end) != _blockOffset)
        {
            throw TraceFormatException.AtByte(File, _blockOffset, "the index is damaged", "an undamaged index");
        }

        if (GetUpTo(end[..1]) > 0)
        {
            throw TraceFormatException.AtByte(File, _offset - 1, "bytes follow the file's end", "the end of the file");
        }
    }

    private static uint Accumulate(uint checksum, ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes)
        {
            checksum = System.Numerics.BitOperations.Crc32C(checksum, value);
        }

        return checksum;
    }

    private TraceFormatException Damaged() =>
        TraceFormatException.AtByte(
            File, _blockOffset, $"record {Records} of the trace, in the block that begins here, makes no sense", "a record");

    private void Get(Span<byte> to, string what)
    {
        int length = GetUpTo(to);
        if (length < to.Length)
        {
            throw TraceFormatException.AtByte(File, _offset, $"the file ends within {what}", $"{to.Length - length} more bytes");
        }
    }

    private int GetUpTo(Span<byte> to)
    {
        try
        {
            int length = _stream.ReadAtLeast(to, to.Length, throwOnEndOfStream: false);
            _offset += length;
            return length;
        }
        catch (InvalidDataException error)
        {
            throw TraceFormatException.AtByte(File, _offset, $"the packed data is damaged ({error.Message})", "an undamaged file", error);
        }
    }
}
