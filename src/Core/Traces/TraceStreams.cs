using System.IO.Compression;

namespace VmSim.Core.Traces;

/// <summary>Unpacks what a trace file is packed in.</summary>
public static class TraceStreams
{
    /// <summary>Makes the runtime report packed data that ends too early, which it otherwise takes for a normal end.</summary>
    static TraceStreams() => AppContext.SetSwitch("System.IO.Compression.UseStrictValidation", true);

    /// <summary>
    /// The unpacked bytes of <paramref name="stream"/>: gzip is known by its first two bytes (RFC 1952), everything else passes.
    /// </summary>
    public static Stream Unpack(Stream stream)
    {
        Stream whole = Peek(stream, 2, out byte[] head);
        return head is [0x1F, 0x8B] ? new GZipStream(whole, CompressionMode.Decompress) : whole;
    }

    /// <summary>
    /// As <see cref="Unpack(Stream)"/>, for what is kept in memory: a small file that unpacks to very much is given up before it takes all.
    /// </summary>
    /// <param name="stream">The file's bytes.</param>
    /// <param name="file">Its name, for messages.</param>
    internal static Stream UnpackToKeep(Stream stream, string file)
    {
        CountingStream packed = new(stream);
        Stream whole = Peek(packed, 2, out byte[] head);
        return head is [0x1F, 0x8B]
            ? new CountingStream(new GZipStream(whole, CompressionMode.Decompress), unpacked => RequireSane(packed.Count, unpacked, file))
            : whole;
    }

    /// <summary>The unpacked bytes of a log.</summary>
    /// <param name="stream">The file's bytes.</param>
    /// <param name="file">Its name, for messages.</param>
    /// <exception cref="TraceFormatException">There are none.</exception>
    public static Stream UnpackLog(Stream stream, string file)
    {
        try
        {
            Stream unpacked = Peek(Unpack(stream), 1, out byte[] first);
            return first.Length > 0
                ? unpacked
                : throw TraceFormatException.AtByte(file, 0, "the log is empty", "a log with at least one line or record");
        }
        catch (InvalidDataException error)
        {
            throw TraceFormatException.AtByte(file, 0, $"the packed data is damaged ({error.Message})", "an undamaged file", error);
        }
    }

    /// <summary>
    /// Text of traces packs to a fifth to a fifteenth (those in config/traces and tests); deflate's limit is 1,032 to 1.
    /// So the limit of 100 stops what was made to be large, and 64 MiB are always allowed.
    /// </summary>
    private static void RequireSane(long packed, long unpacked, string file)
    {
        const long Allowed = 64 << 20;
        const long MaxRatio = 100;
        if (unpacked > Allowed && unpacked > MaxRatio * packed)
        {
            throw TraceFormatException.AtByte(
                file,
                packed,
                $"the first {packed:N0} bytes unpack to more than {unpacked:N0}",
                $"at most {MaxRatio} times as much; if that is meant, unpack the file first: gunzip");
        }
    }

    /// <summary>Reads the first <paramref name="count"/> bytes (fewer at the end) and gives a stream that still has them.</summary>
    public static Stream Peek(Stream stream, int count, out byte[] head)
    {
        byte[] bytes = new byte[count];
        int length = stream.ReadAtLeast(bytes, count, throwOnEndOfStream: false);
        head = bytes[..length];
        return new PrefixedStream(head, stream);
    }

    /// <summary>Counts the bytes that are read, and tells of each piece.</summary>
    private sealed class CountingStream(Stream inner, Action<long>? counted = null) : ReadOnlyStream
    {
        public long Count { get; private set; }

        public override int Read(Span<byte> buffer)
        {
            int length = inner.Read(buffer);
            Count += length;
            counted?.Invoke(Count);
            return length;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                inner.Dispose();
            }

            base.Dispose(disposing);
        }
    }

    /// <summary>Bytes that were read ahead, then the rest of a stream.</summary>
    private sealed class PrefixedStream(ReadOnlyMemory<byte> prefix, Stream rest) : ReadOnlyStream
    {
        private ReadOnlyMemory<byte> _prefix = prefix;

        public override int Read(Span<byte> buffer)
        {
            if (_prefix.IsEmpty)
            {
                return rest.Read(buffer);
            }

            int count = Math.Min(buffer.Length, _prefix.Length);
            _prefix.Span[..count].CopyTo(buffer);
            _prefix = _prefix[count..];
            return count;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                rest.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
