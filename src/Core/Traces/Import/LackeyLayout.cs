using System.Globalization;
using System.Text;

namespace VmSim.Core.Traces.Import;

/// <summary>Reads the block "Memory layout at client startup" of Valgrind's -d output.</summary>
/// <remarks>
/// Segments in lower case are the client's. A file segment of a file that also has segments of Valgrind's own is Valgrind's trampoline
/// page. The anonymous segment below a reservation that shrinks from below is the heap, the one above a reservation that shrinks from above
/// the stack.
/// </remarks>
internal sealed class LackeyLayout
{
    private const string Start = "SHOW_SEGMENTS: Memory layout at client startup";
    private const int MaxSegments = 65_536;
    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);
    private readonly List<(
        bool Own, bool IsFile, ulong First, ulong Last, ulong Protection, ulong Offset, string File, string Kind)> _segments = [];
    private bool _isInside;

    /// <summary>Whether the block was there.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Takes a line of Valgrind's messages, without its prefix.</summary>
    public void Take(ReadOnlySpan<byte> line)
    {
        int at = line.IndexOf(" aspacem "u8);
        if (IsComplete || at < 0)
        {
            return;
        }

        string text = Encoding.UTF8.GetString(line[(at + 9)..]).TrimEnd();
        if (!_isInside)
        {
            _isInside = text.Contains(Start, StringComparison.Ordinal);
            return;
        }

        if (text.StartsWith(">>>", StringComparison.Ordinal))
        {
            IsComplete = true;
        }
        else if (text.StartsWith('('))
        {
            TakeName(text);
        }
        else if (_segments.Count < MaxSegments)
        {
            TakeSegment(text);
        }
    }

    /// <summary>Writes the client's mappings.</summary>
    public void Emit(TraceEmitter emitter)
    {
        HashSet<string> tools = new HashSet<string>(
            _segments.Where(segment => !segment.Own && segment.IsFile).Select(segment => segment.File), StringComparer.Ordinal);
        for (int i = 0; i < _segments.Count; i++)
        {
            (bool own, bool isFile, ulong first, ulong last, ulong protection, ulong offset, string? file, string? kind) = _segments[i];
            if (!own || kind == "RSVN" || (isFile && tools.Contains(file)))
            {
                continue;
            }

            string? name = isFile ? null
                : i + 1 < _segments.Count && _segments[i + 1].File == "SmLower" ? "[heap]"
                : i > 0 && _segments[i - 1].File == "SmUpper" ? "[stack]"
                : null;
            ulong flags = isFile ? 0x2UL : name == "[stack]" ? 0x122UL : 0x22UL;
            emitter.InitialMap(
                first,
                last - first + 1,
                protection,
                flags,
                isFile ? _names.GetValueOrDefault(file, "file") : null,
                isFile ? offset : 0,
                name);
        }
    }

    /// <summary>(1,49,7) /home/user/mt</summary>
    private void TakeName(string text)
    {
        int comma = text.IndexOf(',', StringComparison.Ordinal);
        int close = text.IndexOf(") ", StringComparison.Ordinal);
        if (comma > 0 && close > 0)
        {
            _names[text[1..comma]] = text[(close + 2)..];
        }
    }

    /// <summary>1: file 0000108000-0000108fff 4096 r---- d=0xfe00 i=11658471 o=0 (1,49)</summary>
    private void TakeSegment(string text)
    {
        string[] words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length < 5 || !words[0].EndsWith(':'))
        {
            return;
        }

        string[] range = words[2].Split('-');
        if (range.Length != 2 || !TryHex(range[0], out ulong first) || !TryHex(range[1], out ulong last) || last < first)
        {
            return;
        }

        string kind = words[1];
        ulong protection = (words[4].Contains('r', StringComparison.Ordinal) ? 1UL : 0)
            | (words[4].Contains('w', StringComparison.Ordinal) ? 2UL : 0)
            | (words[4].Contains('x', StringComparison.Ordinal) ? 4UL : 0);
        string offset = Array.Find(words, word => word.StartsWith("o=", StringComparison.Ordinal)) ?? "o=0";
        string reference = kind == "RSVN" ? words[^1] : words[^1].Trim('(', ')').Split(',')[0];
        bool isFile = kind is "file" or "FILE";
        _ = ulong.TryParse(offset[2..], NumberStyles.None, CultureInfo.InvariantCulture, out ulong bytes);
        _segments.Add((kind is "file" or "anon" or "shm", isFile, first, last, protection, bytes, reference, kind));
    }

    private static bool TryHex(string text, out ulong value) =>
        ulong.TryParse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out value);
}
