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

    /// <summary>Reads the first <paramref name="count"/> bytes (fewer at the end) and gives a stream that still has them.</summary>
    public static Stream Peek(Stream stream, int count, out byte[] head)
    {
        byte[] bytes = new byte[count];
        int length = stream.ReadAtLeast(bytes, count, throwOnEndOfStream: false);
        head = bytes[..length];
        return new PrefixedStream(head, stream);
    }

    /// <summary>Bytes that were read ahead, then the rest of a stream.</summary>
    private sealed class PrefixedStream(ReadOnlyMemory<byte> prefix, Stream rest) : Stream
    {
        private ReadOnlyMemory<byte> _prefix = prefix;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

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

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

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
