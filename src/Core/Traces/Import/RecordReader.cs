
namespace VmSim.Core.Traces.Import;

/// <summary>Reads a stream of records of one fixed size in constant memory.</summary>
public sealed class RecordReader(Stream stream, int size, string file)
{
    private readonly byte[] _buffer = new byte[size * 4096];
    private int _start;
    private int _end;

    /// <summary>Bytes taken so far.</summary>
    public long Offset { get; private set; }

    /// <summary>The next record; false at the end.</summary>
    /// <exception cref="TraceFormatException">The stream ends within a record, or its packing is damaged.</exception>
    public bool TryRead(out ReadOnlySpan<byte> record)
    {
        if (_end - _start < size && !Fill())
        {
            record = default;
            return false;
        }

        record = _buffer.AsSpan(_start, size);
        _start += size;
        Offset += size;
        return true;
    }

    private bool Fill()
    {
        Buffer.BlockCopy(_buffer, _start, _buffer, 0, _end - _start);
        _end -= _start;
        _start = 0;
        try
        {
            _end += stream.ReadAtLeast(_buffer.AsSpan(_end), size - _end, throwOnEndOfStream: false);
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException)
        {
            throw TraceFormatException.AtByte(
                file, Offset + _end, $"the packed data is cut off or damaged ({error.Message})", "an undamaged file", error);
        }

        return _end switch
        {
            0 => false,
            _ when _end < size =>
                throw TraceFormatException.AtByte(
                    file, Offset, $"the file ends {_end} bytes into a record", $"whole records of {size} bytes"),
            _ => true,
        };
    }
}
