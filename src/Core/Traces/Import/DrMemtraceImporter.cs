using System.Buffers.Binary;
using System.IO.Compression;

namespace VmSim.Core.Traces.Import;

/// <summary>Reads DynamoRIO's drmemtrace records, 12 bytes each, plain, gzip, or in a zip of chunks.</summary>
/// <remarks>
/// Record and marker numbers are those of clients/drcachesim/common/trace_entry.h (trace_type_t, trace_marker_type_t). System calls are
/// used when they were recorded with their arguments (-record_syscall): munmap, mprotect, madvise and mmap with MAP_FIXED. What another
/// mmap or brk returned is not in the trace; memory is mapped where it is used.
/// </remarks>
public sealed class DrMemtraceImporter : ITraceImporter
{
    private const int RecordBytes = 12;
    private const int LastType = 127;

    /// <inheritdoc/>
    public string Name => "drmemtrace";

    /// <inheritdoc/>
    public string Summary => "DynamoRIO drmemtrace records of 12 bytes, plain, gzip or zip";

    /// <inheritdoc/>
    public ImportSummary Import(Stream log, IVmtSink sink, ImportOptions options)
    {
        ArgumentNullException.ThrowIfNull(log);
        ArgumentNullException.ThrowIfNull(options);
        ImportSummary summary = new ImportSummary();
        TraceEmitter emitter = new TraceEmitter(sink, summary, options.Sets);
        emitter.Header(options.Name);
        Pass pass = new Pass(emitter, summary, options.File);
        if (log.CanSeek && IsZip(log))
        {
            ReadZip(log, pass, options.File);
        }
        else
        {
            pass.Run(LogStreams.Open(log, options.File));
        }

        if (summary.Lines == 0)
        {
            throw TraceFormatException.AtByte(options.File, 0, "the log has no records", "a log with something in it");
        }

        pass.Finish();
        return summary;
    }

    private static bool IsZip(Stream log)
    {
        Span<byte> head = stackalloc byte[4];
        long start = log.Position;
        int length = log.ReadAtLeast(head, 4, throwOnEndOfStream: false);
        log.Position = start;
        return length == 4 && head.SequenceEqual("PK\u0003\u0004"u8);
    }

    private static void ReadZip(Stream log, Pass pass, string file)
    {
        try
        {
            using ZipArchive archive = new ZipArchive(log, ZipArchiveMode.Read, leaveOpen: true);
            foreach (ZipArchiveEntry entry in archive.Entries.OrderBy(entry => entry.FullName, StringComparer.Ordinal))
            {
                using Stream chunk = entry.Open();
                pass.Run(chunk);
            }
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException or NotSupportedException)
        {
            throw TraceFormatException.AtByte(
                file, log.Position, $"the zip archive is cut off or damaged ({error.Message})", "an undamaged file", error);
        }
    }

    private sealed class Pass(TraceEmitter emitter, ImportSummary summary, string file)
    {
        private const ulong SystemCallBase = 0x1_0000_0000;
        private const ulong MapFixed = 0x10;
        private readonly RegionGuess _guess = new(emitter);
        private readonly Dictionary<ulong, int> _threads = [];
        private readonly ulong[] _arguments = new ulong[6];
        private ulong _call;
        private int _argumentCount;
        private ulong _process;
        private ulong _fetchAddress;
        private bool _isOther;
        private long _unknownResults;

        public void Run(Stream stream)
        {
            RecordReader records = new RecordReader(stream, RecordBytes, file);
            while (records.TryRead(out ReadOnlySpan<byte> record))
            {
                summary.Lines++;
                int type = BinaryPrimitives.ReadUInt16LittleEndian(record);
                if (type > LastType)
                {
                    throw TraceFormatException.AtByte(
                        file, records.Offset - RecordBytes, $"record type {type}", $"drmemtrace's record types, 0 to {LastType}");
                }

                Take(type, BinaryPrimitives.ReadUInt16LittleEndian(record[2..]), BinaryPrimitives.ReadUInt64LittleEndian(record[4..]));
            }
        }

        public void Finish()
        {
            emitter.Finish();
            summary.Notes.Add("drmemtrace does not tell what mmap and brk return: memory is anonymous and mapped where it is used.");
            if (_unknownResults > 0)
            {
                summary.Notes.Add($"{_unknownResults} mmap, brk and mremap calls have no known result and are left out.");
            }
        }

        private void Take(int type, int size, ulong value)
        {
            switch (type)
            {
                case 0 or 1:
                    Reference(type == 0 ? VmtKind.Load : VmtKind.Store, value, size);
                    break;
                case (>= 10 and <= 16) or 30 or 31 or 48 or 49:
                    Reference(VmtKind.Fetch, value, size);
                    _fetchAddress = value + (ulong)size;
                    break;
                case 17:
                    Bundle(Math.Min(size, 8), value);
                    break;
                case 22:
                    Switch(value);
                    break;
                case 23:
                    Exit(value);
                    break;
                case 24:
                    _process = _process == 0 ? value : _process;
                    _isOther = value != _process;
                    break;
                case 28:
                    Marker(size, value);
                    break;
                default:
                    break;
            }
        }

        private void Reference(VmtKind kind, ulong address, int size)
        {
            if (_isOther || !_guess.Use(address))
            {
                summary.Drop(
                    summary.Lines,
                    _isOther
                        ? "a reference of another process"
                        : $"address {address:x} is not in user space, or too many regions are used");
                return;
            }

            emitter.Reference(kind, address, (uint)size);
            _ = kind == VmtKind.Fetch ? summary.Fetches++ : summary.DataReferences++;
        }

        private void Bundle(int count, ulong lengths)
        {
            for (int i = 0; i < count; i++)
            {
                int length = (int)((lengths >> (8 * i)) & 0xFF);
                Reference(VmtKind.Fetch, _fetchAddress, length);
                _fetchAddress += (ulong)length;
            }
        }

        private void Switch(ulong id)
        {
            if (!_threads.TryGetValue(id, out int thread))
            {
                thread = _threads.Count;
                _threads.Add(id, thread);
            }

            emitter.CurrentThread = thread;
        }

        private void Exit(ulong id)
        {
            if (_threads.TryGetValue(id, out int thread) && thread != 0)
            {
                emitter.Exit(thread);
            }
        }

        private void Marker(int kind, ulong value)
        {
            switch (kind)
            {
                case 4:
                    _call = value;
                    _argumentCount = 0;
                    Array.Clear(_arguments);
                    break;
                case 6 when _argumentCount < _arguments.Length:
                    _arguments[_argumentCount++] = value;
                    break;
                case 7 when value != 0 && _call >= SystemCallBase && !_isOther:
                    Call((int)Math.Min(_call - SystemCallBase, int.MaxValue), _arguments);
                    break;
                default:
                    break;
            }
        }

        private void Call(int number, ulong[] a)
        {
            bool hasRange = _argumentCount >= 2 && a[1] > 0 && a[0] + (a[1] - 1) >= a[0] && a[1] < 1UL << 47;
            switch (number)
            {
                case 9 when hasRange && _argumentCount >= 4 && (a[3] & MapFixed) != 0:
                    emitter.Map(a[0], a[1], a[2] & 7, a[3] | 0x20, null, 0);
                    _guess.Change(a[0], a[1], mapped: true);
                    break;
                case 11 when hasRange:
                    emitter.Call(VmtRecord.Unmap(a[0], a[1]), "munmap");
                    _guess.Change(a[0], a[1], mapped: false);
                    break;
                case 10 when hasRange && _argumentCount >= 3:
                    emitter.Call(VmtRecord.Protect(a[0], a[1], a[2] & 7), "mprotect");
                    break;
                case 28 when hasRange && _argumentCount >= 3:
                    emitter.Call(VmtRecord.Advise(a[0], a[1], a[2] & 0xFFFF), "madvise");
                    break;
                case 9 or 12 or 25:
                    _unknownResults++;
                    break;
                default:
                    break;
            }
        }
    }
}
