using System.Buffers.Binary;
using System.IO.Compression;

namespace VmSim.Core.Traces.Import.DrMemtrace;

/// <summary>A file of drmemtrace records and where its reading stands.</summary>
internal sealed class DrMemtraceFile : IDisposable
{
    /// <summary>Bytes a record of a 64-bit program: type (2), size (2), address or value (8).</summary>
    public const int RecordBytes = 12;

    private readonly Stream _packed;
    private readonly ZipArchive? _archive;
    private readonly RecordReader _records;

    /// <summary>Opens a file: plain, gzip, zstd, or a zip of chunks.</summary>
    /// <exception cref="TraceFormatException">It is damaged, or of a 32-bit program.</exception>
    public DrMemtraceFile(Stream log, string name, int index)
    {
        Name = name;
        Index = index;
        _packed = log;
        ZipChunks? chunks = null;
        try
        {
            _archive = log.CanSeek && IsZip(log) ? new ZipArchive(log, ZipArchiveMode.Read, leaveOpen: true) : null;

            // The archive's list is read when it is asked for.
            chunks = _archive is null ? null : new ZipChunks(_archive);
        }
        catch (InvalidDataException error)
        {
            throw TraceFormatException.AtByte(
                name, log.Position, $"the zip archive is cut off or damaged ({error.Message})", "an undamaged file", error);
        }

        Stream unpacked = chunks ?? LogStreams.Open(log, name);
        _records = new RecordReader(Refuse32Bit(unpacked, name), RecordBytes, name);
    }

    /// <summary>The file's name, for messages.</summary>
    public string Name { get; }

    /// <summary>Its place among the files of the recording.</summary>
    public int Index { get; }

    /// <summary>Bytes read.</summary>
    public long Offset => _records.Offset;

    /// <summary>The last timestamp, in microseconds since 1601; 0 before the first.</summary>
    public ulong Time { get; set; }

    /// <summary>The thread of the records that follow, by the kernel's number.</summary>
    public ulong Thread { get; set; }

    /// <summary>Its number in the trace; -1 before it is known.</summary>
    public int Number { get; set; } = -1;

    /// <summary>The process of the records that follow.</summary>
    public ulong Process { get; set; }

    /// <summary>Whether what follows is of the kernel: within a system call or a switch.</summary>
    public bool IsInKernel { get; set; }

    /// <summary>Where the next instruction of a bundle begins.</summary>
    public ulong NextFetch { get; set; }

    /// <summary>The system call whose arguments and result are being read.</summary>
    public DrMemtraceCall Call { get; } = new();

    /// <summary>The next record; false at the end.</summary>
    public bool TryRead(out ReadOnlySpan<byte> record) => _records.TryRead(out record);

    /// <inheritdoc/>
    public void Dispose()
    {
        _archive?.Dispose();
        _packed.Dispose();
    }

    private static bool IsZip(Stream log)
    {
        Span<byte> head = stackalloc byte[4];
        long start = log.Position;
        int length = log.ReadAtLeast(head, 4, throwOnEndOfStream: false);
        log.Position = start;
        return length == 4 && head.SequenceEqual("PK\u0003\u0004"u8);
    }

    /// <summary>A 32-bit program's records have 8 bytes: the version marker (28, 12) follows the header (25) four bytes earlier.</summary>
    private static Stream Refuse32Bit(Stream unpacked, string name)
    {
        const int Header = 25;
        const int Marker = 28;
        const int Version = 12;
        try
        {
            Stream whole = TraceStreams.Peek(unpacked, RecordBytes, out byte[] head);
            bool is32Bit = head.Length == RecordBytes && BinaryPrimitives.ReadUInt16LittleEndian(head) == Header
                && BinaryPrimitives.ReadUInt16LittleEndian(head.AsSpan(8)) == Marker
                && BinaryPrimitives.ReadUInt16LittleEndian(head.AsSpan(10)) == Version;
            return is32Bit
                ? throw TraceFormatException.AtByte(name, 0, "records of 8 bytes, of a 32-bit program", "records of 12 bytes")
                : whole;
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException)
        {
            throw TraceFormatException.AtByte(
                name, 0, $"the packed data is cut off or damaged ({error.Message})", "an undamaged file", error);
        }
    }

    /// <summary>The chunks of a zip one behind the other. Their names have four digits, and five from the ten-thousandth on.</summary>
    private sealed class ZipChunks(ZipArchive archive) : ReadOnlyStream
    {
        private readonly Queue<ZipArchiveEntry> _left = new(
            archive.Entries.Where(entry => !entry.FullName.EndsWith('/'))
                .OrderBy(entry => entry.FullName.Length)
                .ThenBy(entry => entry.FullName, StringComparer.Ordinal));

        private Stream? _current;

        public override int Read(Span<byte> buffer)
        {
            while (_current is not null || _left.Count > 0)
            {
                try
                {
                    _current ??= _left.Dequeue().Open();
                    int length = _current.Read(buffer);
                    if (length > 0 || buffer.IsEmpty)
                    {
                        return length;
                    }
                }
                catch (NotSupportedException error)
                {
                    throw new InvalidDataException(error.Message, error);
                }

                _current.Dispose();
                _current = null;
            }

            return 0;
        }

        protected override void Dispose(bool disposing)
        {
            _current?.Dispose();
            base.Dispose(disposing);
        }
    }
}
