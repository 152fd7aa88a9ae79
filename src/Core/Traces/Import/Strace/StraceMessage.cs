using System.Buffers.Text;

namespace VmSim.Core.Traces.Import.Strace;

/// <summary>What strace says about itself on standard error.</summary>
internal enum StraceMessageKind
{
    /// <summary>The line is no message.</summary>
    None,

    /// <summary>It follows a process from here.</summary>
    Attached,

    /// <summary>It has left a process.</summary>
    Detached,

    /// <summary>A process runs in 32 or 64 bit mode.</summary>
    Mode,

    /// <summary>Something else.</summary>
    Other,
}

/// <summary>
/// A message of strace itself in a log of standard error. It ends a line, and may stand in the middle of a call, which then goes on in the
/// next line: "clone(strace: Process 4618 attached".
/// </summary>
/// <param name="Kind">What it says.</param>
/// <param name="Start">Where it begins in the line.</param>
/// <param name="Process">The process it is about; -1 for none.</param>
internal readonly record struct StraceMessage(StraceMessageKind Kind, int Start, long Process)
{
    /// <summary>Finds the message that a line is or ends with.</summary>
    public static StraceMessage Find(ReadOnlySpan<byte> line)
    {
        if (line.IsEmpty || (line[^1] != (byte)'d' && line[^1] != (byte)']' && line[^1] != (byte)')' && line[^1] != (byte)'s'))
        {
            return Alone(line);
        }

        int process = line.LastIndexOf("Process "u8);
        if (process < 0)
        {
            return Alone(line);
        }

        ReadOnlySpan<byte> text = line[process..];
        if (text.StartsWith("Process PID="u8) && text.EndsWith(" mode. ]"u8) && process >= 2 && line[process - 2] == (byte)'[')
        {
            return new StraceMessage(StraceMessageKind.Mode, StartOf(line, process - 2), NumberAt(text["Process PID="u8.Length..]));
        }

        long number = NumberAt(text["Process "u8.Length..]);
        int digits = text["Process "u8.Length..].IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        if (number < 0 || digits <= 0)
        {
            return Alone(line);
        }

        ReadOnlySpan<byte> verb = text[("Process "u8.Length + digits)..];
        StraceMessageKind kind = verb.SequenceEqual(" attached"u8) || verb.StartsWith(" attached with "u8)
            || verb.SequenceEqual(" attached (waiting for parent)"u8) ? StraceMessageKind.Attached
            : verb.SequenceEqual(" detached"u8) ? StraceMessageKind.Detached
            : verb.StartsWith(" resumed"u8) || verb.StartsWith(" suspended"u8) ? StraceMessageKind.Other
            : StraceMessageKind.None;
        return kind == StraceMessageKind.None ? Alone(line) : new StraceMessage(kind, StartOf(line, process), number);
    }

    /// <summary>Whether a mode is that of 32-bit programs.</summary>
    public static bool Is32Bit(ReadOnlySpan<byte> line) => line.EndsWith("32 bit mode. ]"u8);

    /// <summary>
    /// A message that begins its line. Where a call ends behind it, the line is the rest of one that had such a text in it.
    /// </summary>
    private static StraceMessage Alone(ReadOnlySpan<byte> line)
    {
        if (line.IndexOf(") = "u8) >= 0)
        {
            return new StraceMessage(StraceMessageKind.None, 0, -1);
        }

        int end = line.IndexOf("strace: "u8);
        bool isMessage = end >= 0 && (end == 0 || (line[0] == (byte)'/' && line[end - 1] == (byte)'/' && !line[..end].Contains((byte)' ')));
        return new StraceMessage(isMessage ? StraceMessageKind.Other : StraceMessageKind.None, 0, -1);
    }

    /// <summary>Where a message begins whose own words begin at a place: strace's name and path may stand before.</summary>
    private static int StartOf(ReadOnlySpan<byte> line, int words)
    {
        ReadOnlySpan<byte> before = line[..words];
        if (!before.EndsWith("strace: "u8))
        {
            return words;
        }

        int start = words - "strace: "u8.Length;
        if (start > 0 && line[start - 1] == (byte)'/')
        {
            int folder = line[..start].LastIndexOfAny(" |=("u8) + 1;
            int slash = line[folder..start].IndexOf((byte)'/');
            start = slash < 0 ? start : folder + slash;
        }

        return start;
    }

    private static long NumberAt(ReadOnlySpan<byte> text) => Utf8Parser.TryParse(text, out uint number, out _) ? number : -1;
}
