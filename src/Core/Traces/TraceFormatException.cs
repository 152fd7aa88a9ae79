namespace VmSim.Core.Traces;

/// <summary>A trace or log cannot be read: it is missing, cut off, damaged, or a line does not follow its format.</summary>
public sealed class TraceFormatException : Exception
{
    /// <summary>Makes an error about a file as a whole.</summary>
    public TraceFormatException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an error about a file as a whole, caused by another one.</summary>
    public TraceFormatException(string message, Exception inner)
        : base(message, inner)
    {
    }

    private TraceFormatException(string message, string file, long line, long offset, string found, string allowed, Exception? inner)
        : base(message, inner)
    {
        File = file;
        Line = line;
        ByteOffset = offset;
        Found = found;
        Allowed = allowed;
    }

    /// <summary>The file's name as it was given.</summary>
    public string File { get; } = "";

    /// <summary>The line, counted from 1; 0 when the place is a byte offset or the whole file.</summary>
    public long Line { get; }

    /// <summary>The byte, counted from 0; -1 when the place is a line or the whole file.</summary>
    public long ByteOffset { get; } = -1;

    /// <summary>What stands at the place, in words.</summary>
    public string Found { get; } = "";

    /// <summary>What may stand there.</summary>
    public string Allowed { get; } = "";

    /// <summary>An error in one line of text.</summary>
    public static TraceFormatException AtLine(string file, long line, string found, string allowed) =>
        new($"{file}, line {line}: found '{found}'; allowed is {allowed}", file, line, -1, found, allowed, null);

    /// <summary>An error at one byte.</summary>
    public static TraceFormatException AtByte(string file, long offset, string found, string allowed, Exception? inner = null) =>
        new($"{file}, byte {offset}: {found}; needed is {allowed}", file, 0, offset, found, allowed, inner);

    /// <summary>A file that is not there or cannot be opened.</summary>
    public static TraceFormatException Missing(string file, string reason, Exception? inner = null) =>
        new($"{file}: {reason}; give the path of a file that can be read", file, 0, -1, reason, "a file that can be read", inner);
}
