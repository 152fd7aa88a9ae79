using System.Buffers.Binary;
using ZstdSharp;

namespace VmSim.Core.Traces.Import;

/// <summary>Unpacks logs, and names what is no log but something that holds one.</summary>
public static class LogStreams
{
    private const int TarBlock = 512;
    private const int TarChecksumAt = 148;
    private const int TarChecksumLength = 8;

    /// <summary>The unpacked bytes of a log: gzip and zstd are known by their first bytes (RFC 1952, RFC 8878).</summary>
    /// <param name="log">The file's bytes.</param>
    /// <param name="file">Its name, for messages.</param>
    /// <exception cref="TraceFormatException">It is empty, an archive, or packed otherwise.</exception>
    public static Stream Open(Stream log, string file)
    {
        Stream whole = TraceStreams.Peek(log, 4, out byte[] magic);
        Stream unpacked = magic.Length == 4 && BinaryPrimitives.ReadUInt32LittleEndian(magic) == 0xFD2F_B528
            ? new ZstdLog(whole)
            : TraceStreams.Unpack(whole);
        try
        {
            unpacked = TraceStreams.Peek(unpacked, TarBlock, out byte[] head);
            if (head.Length == 0)
            {
                throw TraceFormatException.AtByte(file, 0, "the log is empty", "a log with at least one line or record");
            }

            if (FormatOf(head) is { } format)
            {
                throw TraceFormatException.AtByte(file, 0, $"this is {format.Name}", format.Remedy);
            }

            return unpacked;
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException)
        {
            throw TraceFormatException.AtByte(
                file, 0, $"the packed data is cut off or damaged ({error.Message})", "an undamaged file", error);
        }
    }

    /// <summary>What holds or packs a log and is not unpacked here, with what to do; null when the bytes are none of these.</summary>
    private static (string Name, string Remedy)? FormatOf(ReadOnlySpan<byte> head)
    {
        if (IsTar(head))
        {
            return ("a tar archive", "the trace in it: unpack it with tar -xf");
        }

        return head switch
        {
            [0x50, 0x4B, 0x03, 0x04, ..] => ("a zip archive", "the trace in it: unpack it with unzip"),
            [0x04, 0x22, 0x4D, 0x18, ..] => ("packed with lz4", "the unpacked file: lz4 -d"),
            [0x42, 0x5A, 0x68, >= 0x31 and <= 0x39, 0x31, 0x41, 0x59, ..] => ("packed with bzip2", "the unpacked file: bunzip2"),
            [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C, ..] => ("a 7z archive", "the trace in it: unpack it with 7z x"),
            [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00, ..] => ("packed with xz inside another packing", "the unpacked file: xz -d"),
            _ => null,
        };
    }

    /// <summary>Whether a block is a tar header: its checksum is the sum of its bytes, those of the checksum taken as blanks (POSIX.1-1988,
    /// 10.1.1; GNU, ustar and pax archives alike).</summary>
    private static bool IsTar(ReadOnlySpan<byte> block)
    {
        if (block.Length < TarBlock || block[0] == 0)
        {
            return false;
        }

        int stated = 0;
        foreach (byte digit in block.Slice(TarChecksumAt, TarChecksumLength).Trim(" \0"u8))
        {
            if (digit is < (byte)'0' or > (byte)'7')
            {
                return false;
            }

            stated = (stated * 8) + (digit - '0');
        }

        int sum = TarChecksumLength * ' ';
        for (int at = 0; at < TarBlock; at++)
        {
            sum += at is >= TarChecksumAt and < TarChecksumAt + TarChecksumLength ? 0 : block[at];
        }

        return sum == stated;
    }

    /// <summary>A zstd stream whose damage is reported as that of a gzip stream is.</summary>
    private sealed class ZstdLog(Stream packed) : ReadOnlyStream
    {
        private readonly DecompressionStream _unpacked = new(packed);

        public override int Read(Span<byte> buffer)
        {
            try
            {
                return _unpacked.Read(buffer);
            }
            catch (ZstdException error)
            {
                throw new InvalidDataException(error.Message, error);
            }
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _unpacked.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
