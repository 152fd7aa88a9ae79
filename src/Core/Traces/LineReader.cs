using System.Text;

namespace VmSim.Core.Traces;

/// <summary>Reads a stream line by line as bytes, in constant memory. A line that is too long is an error.</summary>
/// <param name="stream">The text.</param>
/// <param name="file">Its name, for messages.</param>
/// <param name="maxLine">The longest legal line in bytes.</param>
public sealed class LineReader(Stream stream, string file, int maxLine = LineReader.MaxLine)
{
    /// <summary>The longest legal line of a trace in bytes: paths are at most 4,096 bytes on Linux (PATH_MAX), the rest is room.</summary>
    public const int MaxLine = 65_536;

    private byte[] _buffer = new byte[4 * MaxLine];
    private int _start;
    private int _end;
    private bool _atEnd;

    /// <summary>The number of the line last read, from 1.</summary>
    public long LineNumber { get; private set; }

    /// <summary>Unpacked bytes consumed so far.</summary>
    public long BytesRead { get; private set; }

    /// <summary>Whether the line last read is the last one and has no line feed.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>The file's name, for messages.</summary>
    public string File => file;

    /// <summary>The next line without its line feed (and carriage returns before it); false at the end.</summary>
    public bool TryRead(out ReadOnlySpan<byte> line)
    {
        while (true)
        {
            ReadOnlySpan<byte> rest = _buffer.AsSpan(_start, _end - _start);
            int length = rest.IndexOf((byte)'\n');
            if (length >= 0)
            {
                line = Take(rest[..length], length + 1);
                return true;
            }

            if (_atEnd)
            {
                IsOpen |= rest.Length > 0;
                line = Take(rest, rest.Length);
                return rest.Length > 0;
            }

            if (rest.Length > maxLine)
            {
                LineNumber++;
                throw Bad(rest[..60], $"a line of at most {maxLine} bytes");
            }

            Fill();
        }
    }

    /// <summary>
    /// The next line, which stays the next; false at the end. The line last read is of no use any more after this. Of a line that is too
    /// long it gives the beginning.
    /// </summary>
    public bool TryPeek(out ReadOnlySpan<byte> line)
    {
        while (true)
        {
            ReadOnlySpan<byte> rest = _buffer.AsSpan(_start, _end - _start);
            int length = rest.IndexOf((byte)'\n');
            if (length >= 0 || _atEnd || rest.Length > maxLine)
            {
                line = (length < 0 ? rest : rest[..length]).TrimEnd((byte)'\r');
                return rest.Length > 0;
            }

            Fill();
        }
    }

    /// <summary>An error in the line last read.</summary>
    public TraceFormatException Bad(ReadOnlySpan<byte> line, string allowed) =>
        TraceFormatException.AtLine(file, LineNumber, Printable(line), allowed);

    /// <summary>A line's first characters, with everything unprintable as '?'.</summary>
    public static string Printable(ReadOnlySpan<byte> line)
    {
        const int Shown = 80;
        StringBuilder text = new StringBuilder(Math.Min(line.Length, Shown) + 3);
        foreach (byte value in line[..Math.Min(line.Length, Shown)])
        {
            text.Append(value is >= 0x20 and < 0x7F ? (char)value : '?');
        }

        return line.Length > Shown ? text.Append("...").ToString() : text.ToString();
    }

    private ReadOnlySpan<byte> Take(ReadOnlySpan<byte> line, int consumed)
    {
        _start += consumed;
        BytesRead += consumed;
        LineNumber += consumed > 0 ? 1 : 0;
        return line.TrimEnd((byte)'\r');
    }

    private void Fill()
    {
        if (_start > 0)
        {
            Buffer.BlockCopy(_buffer, _start, _buffer, 0, _end - _start);
            _end -= _start;
            _start = 0;
        }

        if (_end == _buffer.Length)
        {
            Array.Resize(ref _buffer, 2 * _buffer.Length);
        }

        int count;
        try
        {
            count = stream.Read(_buffer, _end, _buffer.Length - _end);
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException)
        {
            throw TraceFormatException.AtByte(
                file,
                BytesRead + _end,
                $"the packed data is cut off or damaged after line {LineNumber} ({error.Message})",
                "an undamaged file",
                error);
        }

        _atEnd = count == 0;
        _end += count;
    }
}
