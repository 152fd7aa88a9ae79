using System.Buffers.Binary;
using System.Text;
using ZstdSharp;

namespace VmSim.Core.Traces;

/// <summary>Writes the binary form of .vmt. Dispose writes the index and the end; the stream stays open.</summary>
public sealed class VmtBinaryWriter : IVmtSink, IDisposable
{
    private const int UsualLevel = 9;
    private readonly Stream _stream;
    private readonly Compressor _compressor;
    private readonly byte[] _raw = new byte[VmtBinary.BlockBytes + (LineReader.MaxLine * 4)];
    private readonly byte[] _packed = new byte[Compressor.GetCompressBound(VmtBinary.BlockBytes + (LineReader.MaxLine * 4))];
    private readonly List<(long Offset, long FirstRecord)> _index = [];
    private readonly ulong[] _lastPages = new ulong[3];
    private int _length;
    private uint _blockRecords;
    private ulong _blockAccesses;
    private uint _blockThread;
    private uint _thread;
    private long _records;
    private long _offset;
    private bool _isDone;

    /// <summary>Writes to <paramref name="stream"/> from its current position.</summary>
    /// <param name="stream">Takes the bytes.</param>
    /// <param name="level">How hard zstd packs, 1 to 22: more is smaller and slower.</param>
    public VmtBinaryWriter(Stream stream, int level = UsualLevel)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentOutOfRangeException.ThrowIfLessThan(level, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(level, Compressor.MaxCompressionLevel);
        _stream = stream;
        _compressor = new Compressor(level);
        Span<byte> head = stackalloc byte[VmtBinary.HeadBytes];
        head.Clear();
        VmtBinary.Magic.CopyTo(head);
        BinaryPrimitives.WriteUInt16LittleEndian(head[4..], VmtBinary.Version);
        Put(head);
    }

    /// <inheritdoc/>
    public void Write(in VmtRecord record)
    {
        if (_length >= VmtBinary.BlockBytes)
        {
            CloseBlock();
        }

        _blockRecords++;
        _records++;
        if (record.IsAccess)
        {
            WriteAccess(record);
        }
        else
        {
            WriteOther(record);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isDone)
        {
            return;
        }

        _isDone = true;
        CloseBlock();
        WriteIndex();
        _compressor.Dispose();
    }

    private void WriteAccess(in VmtRecord record)
    {
        ref ulong last = ref _lastPages[record.Kind - VmtKind.Fetch];
        Span<byte> to = _raw.AsSpan(_length);
        to[0] = (byte)((byte)record.Kind | (record.Count == 1 ? 0 : VmtBinary.MoreBit));
        int length = 1 + VmtBinary.WriteNumber(to[1..], VmtBinary.Zigzag((long)(record.Page - last)));
        last = record.Page;
        if (record.Count != 1)
        {
            length += VmtBinary.WriteNumber(to[length..], record.Count);
        }

        _length += length;
        _blockAccesses += record.Count;
    }

    private void WriteOther(in VmtRecord record)
    {
        if (record.Kind == VmtKind.Thread)
        {
            _thread = (uint)record.Number;
        }

        Span<byte> to = _raw.AsSpan(_length);
        to[0] = (byte)((byte)record.Kind | (record.Text is null ? 0 : VmtBinary.MoreBit));
        int length = 1;
        Span<ulong> numbers = stackalloc ulong[6];
        record.CopyNumbers(numbers);
        numbers[5] = (ulong)(record.FileId + 1);
        foreach (ulong field in numbers)
        {
            length += VmtBinary.WriteNumber(to[length..], field);
        }

        if (record.Text is not null)
        {
            byte[] text = Encoding.UTF8.GetBytes(record.Text);
            int kept = Math.Min(text.Length, LineReader.MaxLine * 3);
            length += VmtBinary.WriteNumber(to[length..], (ulong)kept);
            text.AsSpan(0, kept).CopyTo(to[length..]);
            length += kept;
        }

        _length += length;
    }

    private void CloseBlock()
    {
        if (_blockRecords == 0)
        {
            return;
        }

        int packed = _compressor.Wrap(_raw.AsSpan(0, _length), _packed);
        _index.Add((_offset, _records - _blockRecords));
        Span<byte> head = stackalloc byte[VmtBinary.BlockHeadBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(head, VmtBinary.BlockMagic);
        BinaryPrimitives.WriteUInt32LittleEndian(head[4..], _blockRecords);
        BinaryPrimitives.WriteUInt32LittleEndian(head[8..], (uint)_length);
        BinaryPrimitives.WriteUInt32LittleEndian(head[12..], (uint)packed);
        BinaryPrimitives.WriteUInt32LittleEndian(head[16..], VmtBinary.Checksum(_packed.AsSpan(0, packed)));
        BinaryPrimitives.WriteUInt32LittleEndian(head[20..], _blockThread);
        BinaryPrimitives.WriteUInt64LittleEndian(head[24..], _blockAccesses);
        Put(head);
        Put(_packed.AsSpan(0, packed));
        _length = 0;
        _blockRecords = 0;
        _blockAccesses = 0;
        _blockThread = _thread;
        Array.Clear(_lastPages);
    }

    private void WriteIndex()
    {
        long start = _offset;
        byte[] entries = new byte[_index.Count * 16];
        for (int i = 0; i < _index.Count; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(entries.AsSpan(16 * i), _index[i].Offset);
            BinaryPrimitives.WriteInt64LittleEndian(entries.AsSpan((16 * i) + 8), _index[i].FirstRecord);
        }

        Span<byte> head = stackalloc byte[16];
        BinaryPrimitives.WriteUInt32LittleEndian(head, VmtBinary.IndexMagic);
        BinaryPrimitives.WriteInt32LittleEndian(head[4..], _index.Count);
        BinaryPrimitives.WriteInt32LittleEndian(head[8..], entries.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(head[12..], VmtBinary.Checksum(entries));
        Put(head);
        Put(entries);
        Span<byte> end = stackalloc byte[16];
        BinaryPrimitives.WriteInt64LittleEndian(end, start);
        VmtBinary.EndMagic.CopyTo(end[8..]);
        Put(end);
    }

    private void Put(ReadOnlySpan<byte> bytes)
    {
        _stream.Write(bytes);
        _offset += bytes.Length;
    }
}
