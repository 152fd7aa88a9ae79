using System.Buffers;
using System.Text;

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

    /// <summary>It is a call that matters and that does not say what is needed.</summary>
    Unusable,
}

/// <summary>Takes the calls, signals and ends of all threads in their order.</summary>
internal sealed class StracePass
{
    private const int MostEarlyLines = 65_536;
    private static readonly SearchValues<byte> NameCharacters = SearchValues.Create(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_?"u8);

    private readonly Dictionary<long, List<(byte[] Text, StracePlace Place)>> _early = [];
    private readonly StraceTexts<StraceName>[] _names =
        [.. Enum.GetValues<StraceMachine>().Select(machine => new StraceTexts<StraceName>(text => StraceNames.Of(text, machine)))];

    private readonly ImportSummary _summary;
    private readonly bool _drops;
    private int _earlyLines;

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

    /// <summary>Takes what stands behind a line's prefixes.</summary>
    public StraceTaken Take(long process, ReadOnlySpan<byte> text, StracePlace place)
    {
        bool isEvent = text.StartsWith("+++ "u8) || text.StartsWith("--- "u8);
        if (isEvent && !Family.Knows(process) && !_early.ContainsKey(process))
        {
            return StraceTaken.Used;
        }

        if (!isEvent && !IsCall(text) && !text.StartsWith("<... "u8))
        {
            return StraceTaken.Foreign;
        }

        StraceTask? task = Family.Find(process, text);
        if (task is null)
        {
            Keep(process, text, place);
            return StraceTaken.Used;
        }

        if (isEvent)
        {
            TakeEvent(task, text);
            return StraceTaken.Used;
        }

        return text.StartsWith("<... "u8) ? TakeResumed(task, text, place) : TakeCall(task, text, place);
    }

    /// <summary>The log has ended.</summary>
    public void Finish()
    {
        foreach (long process in _early.Keys.Order().ToArray())
        {
            if (!Family.Knows(process))
            {
                Family.Adopt(process);
            }

            Replay(process);
        }

        Family.Finish();
    }

    /// <summary>Refuses what cannot be used, or counts it if that is wanted.</summary>
    /// <exception cref="TraceFormatException">It is refused.</exception>
    public void Refuse(StracePlace place, ReadOnlySpan<byte> text, string allowed)
    {
        if (!_drops)
        {
            throw TraceFormatException.AtLine(
                place.File, place.Line, LineReader.Printable(text), $"{allowed}; --drop leaves out and counts what cannot be used");
        }

        _summary.Drop(place.Line, LineReader.Printable(text));
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
        return open > 0 && !text[..open].ContainsAnyExcept(NameCharacters);
    }

    private void Keep(long process, ReadOnlySpan<byte> text, StracePlace place)
    {
        if (!_early.TryGetValue(process, out List<(byte[], StracePlace)>? lines))
        {
            lines = [];
            _early.Add(process, lines);
        }

        lines.Add((text.ToArray(), place));
        if (++_earlyLines > MostEarlyLines)
        {
            throw TraceFormatException.AtLine(
                place.File, place.Line, $"{MostEarlyLines} lines of processes whose clone has not returned", "the call that made them");
        }
    }

    /// <summary>Takes lines that came before it was known who made their thread.</summary>
    private void Replay(long process)
    {
        if (!_early.Remove(process, out List<(byte[] Text, StracePlace Place)>? lines))
        {
            return;
        }

        _earlyLines -= lines.Count;
        foreach ((byte[] text, StracePlace place) in lines)
        {
            StraceTaken taken = Take(process, text, place);
            if (taken != StraceTaken.Used)
            {
                Refuse(place, text, StraceLog.Allowed(taken));
            }
        }
    }

    private void TakeEvent(StraceTask task, ReadOnlySpan<byte> text)
    {
        if (text.StartsWith("+++ superseded by execve in pid "u8))
        {
            ReadOnlySpan<byte> number = text["+++ superseded by execve in pid "u8.Length..];
            int end = number.IndexOf((byte)' ');
            if (StraceValues.TryNumber(end < 0 ? number : number[..end], out ulong thread))
            {
                Family.Supersede(task, (long)thread);
            }
        }
        else if (text.StartsWith("+++ "u8))
        {
            Family.End(task);
        }
    }

    private StraceTaken TakeResumed(StraceTask task, ReadOnlySpan<byte> text, StracePlace place)
    {
        int end = text.IndexOf(" resumed>"u8);
        if (end < 0)
        {
            return StraceTaken.Foreign;
        }

        StraceName name = NameOf(task, text["<... "u8.Length..end]);
        StraceName? pending = task.Pending;
        if (pending is null || pending.Name != name.Name)
        {
            _summary.OtherCalls += name.IsUsed ? 0 : 1;
            return name.IsUsed ? StraceTaken.Unusable : StraceTaken.Used;
        }

        task.Pending = null;
        if (!pending.IsUsed)
        {
            _summary.OtherCalls++;
            return StraceTaken.Used;
        }

        return TakeCall(task, [.. task.PendingText, .. text[(end + " resumed>"u8.Length)..]], place);
    }

    private StraceTaken TakeCall(StraceTask task, ReadOnlySpan<byte> text, StracePlace place)
    {
        StraceName name = NameOf(task, text);
        if (EndsOpen(text, out ReadOnlySpan<byte> head))
        {
            Begin(task, name, head);
            return StraceTaken.Used;
        }

        if (!name.IsUsed)
        {
            bool isWhole = text.IndexOf(" = "u8) >= 0;
            _summary.OtherCalls += isWhole ? 1 : 0;
            return isWhole ? StraceTaken.Used : StraceTaken.Incomplete;
        }

        Span<Range> ranges = stackalloc Range[StraceSyntax.MostArguments];
        int close = StraceSyntax.Split(text, text.IndexOf((byte)'(') + 1, ranges, out int count);
        if (close < 0 || !StraceResult.TryParse(text[(close + 1)..], out StraceResult result))
        {
            close = StraceSyntax.SplitFromBehind(text, ranges, out count);
            if (close < 0 || !StraceResult.TryParse(text[(close + 1)..], out result))
            {
                return StraceTaken.Incomplete;
            }
        }

        StraceArguments arguments = new StraceArguments(text, ranges[..count]);
        if (result.Outcome == StraceOutcome.Succeeded)
        {
            StraceTaken taken = Succeed(task, name, text[..close], arguments, result.Value, place);
            close = taken == StraceTaken.Unusable ? StraceSyntax.SplitFromBehind(text, ranges, out count) : -1;
            return close >= 0 && StraceResult.TryParse(text[(close + 1)..], out result)
                ? Succeed(task, name, text[..close], new StraceArguments(text, ranges[..count]), result.Value, place)
                : taken;
        }

        Fail(task, name, arguments, result);
        return StraceTaken.Used;
    }

    /// <summary>
    /// Whether a call goes on in a later line, or nowhere: another one was printed, its process went, its number changed.
    /// </summary>
    private static bool EndsOpen(ReadOnlySpan<byte> text, out ReadOnlySpan<byte> head)
    {
        head = text;
        if (text[^1] != (byte)'>')
        {
            return false;
        }

        int open = text.LastIndexOf((byte)'<');
        if (open <= 0)
        {
            return false;
        }

        ReadOnlySpan<byte> remark = text[open..];
        head = text[..open];
        return remark.SequenceEqual("<unfinished ...>"u8) || remark.SequenceEqual("<detached ...>"u8)
            || (remark.StartsWith("<pid changed to "u8) && remark.EndsWith(" ...>"u8));
    }

    private static void Begin(StraceTask task, StraceName name, ReadOnlySpan<byte> head)
    {
        if (task.Pending is { IsUsed: true } lost)
        {
            ImportSummary.Add(task.Process.Summary.WithoutResult, lost.Name);
        }

        task.Pending = name;
        task.PendingText = name.IsUsed ? head.ToArray() : [];
        if (name.Frees)
        {
            task.Space.Process.Order?.Begin(task.Id);
        }
    }

    private void Fail(StraceTask task, StraceName name, in StraceArguments arguments, in StraceResult result)
    {
        if (name.Frees)
        {
            task.Space.Process.Order?.End(task.Id, [], 0, 0);
        }

        task.EarlyChild = -1;
        ImportSummary summary = task.Space.Process.Summary;
        bool counts = !name.IsDescriptor;
        switch (result.Outcome)
        {
            case StraceOutcome.Unknown when name.Call == StraceCall.Exit:
                task.HasExited = true;
                break;
            case StraceOutcome.Unknown when counts && name.Call != StraceCall.Execute:
                ImportSummary.Add(summary.WithoutResult, name.Name);
                break;
            case StraceOutcome.Failed when counts:
                ImportSummary.Add(summary.Failed, $"{name.Name} {Encoding.UTF8.GetString(result.Error)}".TrimEnd());
                if (result.Error.SequenceEqual("ENOMEM"u8))
                {
                    Calls.TakeFailed(task, name, arguments);
                }

                break;
            case StraceOutcome.Injected when counts:
                ImportSummary.Add(summary.NotSimulated, $"{name.Name} answered by strace");
                break;
            default:
                break;
        }
    }

    private StraceTaken Succeed(
        StraceTask task, StraceName name, ReadOnlySpan<byte> call, in StraceArguments arguments, ulong result, StracePlace place)
    {
        if (name.IsClone)
        {
            return Clone(task, name, call, (long)result, place);
        }

        if (name.Call == StraceCall.Execute)
        {
            Family.Execute(task);
            return StraceTaken.Used;
        }

        if (task.Space.Process.Writer is null)
        {
            Family.LeftOutLines++;
            return StraceTaken.Used;
        }

        if (Calls.Take(task, name, arguments, result))
        {
            return StraceTaken.Used;
        }

        if (name.Frees)
        {
            task.Space.Process.Order?.End(task.Id, [], 0, 0);
        }

        return StraceTaken.Unusable;
    }

    private StraceTaken Clone(StraceTask task, StraceName name, ReadOnlySpan<byte> call, long child, StracePlace place)
    {
        if (child <= 0)
        {
            return StraceTaken.Used;
        }

        StraceTask? made = Family.Return(task, child, StraceClone.KindOf(name, call));
        if (made is null)
        {
            Refuse(place, call, $"{name.Name} with its flags, which say whether it makes a thread or a process");
            Family.LeaveOut(child);
        }
        else
        {
            OnChild?.Invoke(place, child, made.Process == task.Space.Process);
        }

        Replay(child);
        return StraceTaken.Used;
    }
}
