using System.Buffers;

namespace VmSim.Core.Traces.Import.Strace;

/// <summary>Where a line stands.</summary>
internal readonly record struct StracePlace(string File, long Line);

/// <summary>What became of a line.</summary>
internal enum StraceTaken
{
    /// <summary>It was used or counted.</summary>
    Used,

    /// <summary>It is the beginning of a call.</summary>
    Incomplete,

    /// <summary>strace does not print such a line.</summary>
    Foreign,

    /// <summary>It is a call that matters and that does not say what is needed, or cannot have happened.</summary>
    Unusable,

    /// <summary>What stands behind its arguments is no result, or something that strace does not print stands behind the result.</summary>
    BadResult,

    /// <summary>There is more than one call in it: several processes wrote it at once.</summary>
    Mixed,
}

/// <summary>Takes the calls, signals and ends of all threads in their order.</summary>
internal sealed partial class StracePass
{
    private const int MostEarlyLines = 65_536;
    private static readonly SearchValues<byte> NameCharacters = SearchValues.Create(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_?#:"u8);

    private readonly Dictionary<long, List<EarlyLine>> _early = [];
    private readonly StraceTexts<StraceName>[] _names =
        [.. Enum.GetValues<StraceMachine>().Select(machine => new StraceTexts<StraceName>(text => StraceNames.Of(text, machine)))];

    private readonly ImportSummary _summary;
    private readonly bool _drops;
    private int _earlyLines;
    private string? _allowed;
    private ulong? _lastValue;

    /// <summary>Begins.</summary>
    public StracePass(StraceFamily family, ImportSummary summary, bool drops)
    {
        Family = family;
        _summary = summary;
        _drops = drops;
    }

    /// <summary>The processes of the log.</summary>
    public StraceFamily Family { get; }

    /// <summary>Turns calls into records.</summary>
    public StraceCalls Calls { get; } = new();

    /// <summary>Told of each child when its clone returns: its number and whether it is a thread.</summary>
    public Action<StracePlace, long, bool>? OnChild { get; set; }

    /// <summary>What is allowed instead of a line.</summary>
    public string Allowed(StraceTaken taken) => taken switch
    {
        StraceTaken.Unusable => _allowed ?? "a call with the arguments and the result that it needs",
        StraceTaken.Incomplete => "a whole call, such as 'munmap(0x7f0000000000, 8192) = 0'",
        StraceTaken.BadResult => "a result such as '= 0' or '= -1 EINVAL (Invalid argument)', and the end of the line",
        StraceTaken.Mixed => "one call a line: several processes wrote here at once (give each strace a file of its own)",
        _ => "strace lines such as 'mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, 3, 0) = 0x7f0000000000'",
    };

    /// <summary>Takes what stands behind a line's prefixes.</summary>
    public StraceTaken Take(long process, ReadOnlySpan<byte> text, StracePlace place, string[]? frames = null)
    {
        _allowed = null;
        bool isEvent = IsEvent(text);
        if (!isEvent && !IsCall(text) && !text.StartsWith("<... "u8))
        {
            return StraceTaken.Foreign;
        }

        Family.EndIfGone(process, text);
        bool isNew = !Family.Knows(process);
        if (isNew && !_early.ContainsKey(process))
        {
            if (TakeSupersession(process, text))
            {
                return StraceTaken.Used;
            }

            if (isEvent && !Family.HasPendingClone())
            {
                Family.Mention(process);
                return StraceTaken.Used;
            }
        }

        StraceTask? task = Family.Find(process, text);
        while (task is not null && _early.ContainsKey(process))
        {
            // lines that came before it was known whose they are
            Replay(process);
            task = Family.Find(process, text);
        }

        if (task is null)
        {
            Keep(process, new EarlyLine(text.ToArray(), place, frames));
            return StraceTaken.Used;
        }

        if (isEvent)
        {
            TakeEvent(task, text);
            return StraceTaken.Used;
        }

        Calls.Frames = frames;
        StraceTaken taken = text.StartsWith("<... "u8) ? TakeResumed(task, text, place) : TakeCall(task, text, place);
        if (isNew && task.IsAdopted && taken != StraceTaken.Used)
        {
            // a line that is left out says nothing, its number neither
            Family.Forsake(task);
        }

        return taken;
    }

    /// <summary>The log has ended.</summary>
    public void Finish()
    {
        while (_early.Count > 0)
        {
            long process = _early.Keys.Min();
            if (!Family.Knows(process))
            {
                Family.Adopt(process, _early[process][0].Text);
            }

            Replay(process);
        }

        Family.Finish();
    }

    /// <summary>Refuses what cannot be used, or counts it if that is wanted.</summary>
    /// <exception cref="TraceFormatException">It is refused.</exception>
    public void Refuse(StracePlace place, ReadOnlySpan<byte> text, string allowed, int lines = 1)
    {
        if (!_drops)
        {
            throw TraceFormatException.AtLine(
                place.File, place.Line, LineReader.Printable(text), $"{allowed}; --drop leaves out and counts what cannot be used");
        }

        _summary.Drop(place.Line, LineReader.Printable(text), lines);
    }

    /// <summary>The name of the call that a text begins with.</summary>
    public StraceName NameOf(StraceTask task, ReadOnlySpan<byte> text)
    {
        int open = text.IndexOf((byte)'(');
        return _names[(int)task.Process.Machine].Of(open < 0 ? text : text[..open]);
    }

    private static bool IsCall(ReadOnlySpan<byte> text)
    {
        int open = text.IndexOf((byte)'(');
        return open > 0 && !text[..open].ContainsAnyExcept(NameCharacters)
            && (!char.IsAsciiDigit((char)text[0]) || text.StartsWith("64:"u8));
    }

    /// <summary>"+++ exited with 0 +++", "--- SIGCHLD {...} ---", and nothing else.</summary>
    private static bool IsEvent(ReadOnlySpan<byte> text)
    {
        ReadOnlySpan<byte> edge = text.StartsWith("+++ "u8) ? " +++"u8 : text.StartsWith("--- "u8) ? " ---"u8 : default;
        return !edge.IsEmpty && text.Length > 2 * edge.Length && text[3..].IndexOf(edge) == text.Length - 3 - edge.Length;
    }

    private void Keep(long process, in EarlyLine line)
    {
        if (!_early.TryGetValue(process, out List<EarlyLine>? lines))
        {
            lines = [];
            _early.Add(process, lines);
        }

        lines.Add(line);
        if (++_earlyLines > MostEarlyLines)
        {
            throw TraceFormatException.AtLine(
                line.Place.File,
                line.Place.Line,
                $"{MostEarlyLines} lines of processes whose clone has not returned",
                "the call that made them");
        }
    }

    /// <summary>Takes lines that came before it was known who made their thread, up to its end: what follows is of another one.</summary>
    private void Replay(long process)
    {
        if (!_early.Remove(process, out List<EarlyLine>? lines))
        {
            return;
        }

        _earlyLines -= lines.Count;
        for (int i = 0; i < lines.Count; i++)
        {
            (byte[] text, StracePlace place, string[]? frames) = lines[i];
            StraceTaken taken = Take(process, text, place, frames);
            if (taken != StraceTaken.Used)
            {
                Refuse(place, text, Allowed(taken));
            }

            if (i + 1 < lines.Count && text.AsSpan().StartsWith("+++ "u8))
            {
                _early.Add(process, lines[(i + 1)..]);
                _earlyLines += lines.Count - (i + 1);
                return;
            }
        }
    }

    private void TakeEvent(StraceTask task, ReadOnlySpan<byte> text)
    {
        if (!TakeSupersession(task.Id, text) && text.StartsWith("+++ "u8))
        {
            NoteEnd(task.Id);
            Family.End(task);
        }
    }

    /// <summary>Whether a line says that a thread's number is now that of one that executes a program.</summary>
    private bool TakeSupersession(long process, ReadOnlySpan<byte> text)
    {
        if (text.StartsWith("+++ superseded by execve in pid "u8))
        {
            ReadOnlySpan<byte> number = text["+++ superseded by execve in pid "u8.Length..];
            int end = number.IndexOf((byte)' ');
            if (StraceValues.TryNumber(end < 0 ? number : number[..end], out ulong thread))
            {
                Family.Supersede(process, (long)thread);
            }

            return true;
        }

        if (text.StartsWith("<... execve"u8) && !Family.Knows(process))
        {
            Family.Supersede(process, own: null);
        }

        return false;
    }

    /// <summary>A line that came before it was known whose it is.</summary>
    private readonly record struct EarlyLine(byte[] Text, StracePlace Place, string[]? Frames);
}
