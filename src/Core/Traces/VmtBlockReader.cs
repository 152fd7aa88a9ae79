using System.Buffers.Binary;
using ZstdSharp;

namespace VmSim.Core.Traces;

/// <summary>Reads the blocks of the binary form of .vmt from a stream, and at the end its index.</summary>
public sealed class VmtBlockReader : IVmtBlocks
{
    private readonly Stream _stream;
    private readonly Decompressor _decompressor = new();
    private byte[] _packed = new byte[VmtBinary.BlockBytes];
    private long _offset;
    private long _blockOffset;
    private long _records;
    private bool _isAtEnd;

    /// <summary>What the index must say of the blocks that were read: their number, and the checksum of their entries.</summary>
    private uint _blocks;
    private uint _indexChecksum = uint.MaxValue;

    /// <summary>Reads from <paramref name="stream"/>, whose head is checked at once.</summary>
    /// <exception cref="TraceFormatException">It is not a binary trace of this version.</exception>
    public VmtBlockReader(Stream stream, string file)
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

    /// <inheritdoc/>
    public bool Read(VmtBlock block)
    {
        ArgumentNullException.ThrowIfNull(block);
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

        block.Records = BinaryPrimitives.ReadUInt32LittleEndian(head[4..]);
        if (block.Records == 0)
        {
            throw TraceFormatException.AtByte(File, _blockOffset + 4, "a block without records", "at least one record");
        }

        block.Thread = BinaryPrimitives.ReadUInt32LittleEndian(head[20..]);
        block.Offset = _blockOffset;
        block.Accesses = BinaryPrimitives.ReadUInt64LittleEndian(head[24..]);
        ReadPacked((int)packedLength, block.Resize((int)rawLength), BinaryPrimitives.ReadUInt32LittleEndian(head[16..]));
        Span<byte> entry = stackalloc byte[VmtBinary.IndexEntryBytes];
        BinaryPrimitives.WriteInt64LittleEndian(entry, _blockOffset);
        BinaryPrimitives.WriteInt64LittleEndian(entry[8..], _records);
        _indexChecksum = Accumulate(_indexChecksum, entry);
        _blocks++;
        _records += block.Records;
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => _decompressor.Dispose();

    private void ReadPacked(int packedLength, Span<byte> raw, uint checksum)
    {
        _packed = packedLength > _packed.Length ? new byte[packedLength] : _packed;
        Span<byte> packed = _packed.AsSpan(0, packedLength);
        Get(packed, "a block");
        if (VmtBinary.Checksum(packed) != checksum)
        {
            throw TraceFormatException.AtByte(File, _blockOffset, "the block's checksum does not match", "an undamaged block");
        }

        int length;
        try
        {
            length = _decompressor.Unwrap(packed, raw);
        }
        catch (ZstdException error)
        {
            throw TraceFormatException.AtByte(
                File, _blockOffset, $"the block cannot be unpacked ({error.Message})", "an undamaged block", error);
        }

        if (length != raw.Length)
        {
            throw TraceFormatException.AtByte(
                File, _blockOffset, $"the block unpacks to {length} bytes", $"{raw.Length} bytes, as its head says");
        }
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
