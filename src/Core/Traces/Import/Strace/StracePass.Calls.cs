using System.Text;

namespace VmSim.Core.Traces.Import.Strace;

/// <content>Calls: whole ones, and those that other lines go on with.</content>
internal sealed partial class StracePass
{
    private StraceTaken TakeResumed(StraceTask task, ReadOnlySpan<byte> text, StracePlace place)
    {
        int end = text.IndexOf(" resumed>"u8);
        if (end < 0)
        {
            return StraceTaken.Foreign;
        }

        StraceName name = NameOf(task, text["<... "u8.Length..end]);
        ReadOnlySpan<byte> rest = text[(end + " resumed>"u8.Length)..];
        StraceName? pending = task.Pending;
        if (name.Call == StraceCall.Execute && pending is not { Call: StraceCall.Execute })
        {
            Family.Supersede(task.Id, task);
            task = Family.Find(task.Id, text) ?? task;
            pending = task.Pending;
        }

        if (pending is null || !pending.IsOf(name))
        {
            return name.IsUsed && name.Call != StraceCall.Chosen ? StraceTaken.Unusable : TakeOther(rest, 0);
        }

        task.Pending = null;
        StraceTaken taken;
        if (pending.IsUsed)
        {
            taken = TakeCall(task, [.. task.PendingText, .. rest], place, isResumed: true);
        }
        else if (EndsOpen(rest, out _))
        {
            taken = StraceTaken.Used;
            task.Pending = pending;
        }
        else if (task.PendingText.Length > 0)
        {
            byte[] whole = [.. task.PendingText, .. rest];
            taken = TakeOther(whole, whole.AsSpan().IndexOf((byte)'(') + 1, task, pending);
        }
        else
        {
            taken = TakeOther(rest, 0);
        }

        // the line may go on in the next one
        task.Pending = taken == StraceTaken.Incomplete ? pending : task.Pending;
        return taken;
    }

    private StraceTaken TakeCall(StraceTask task, ReadOnlySpan<byte> text, StracePlace place, bool isResumed = false)
    {
        int start = text.IndexOf((byte)'(') + 1;
        StraceName name = NameOf(task, text);
        name = name.Call == StraceCall.Chosen ? StraceNames.Chosen(name, text[start..]) : name;
        if (name.Call == StraceCall.Unnamed && StraceNames.IsGlued(name.Name))
        {
            return StraceTaken.Mixed;
        }

        if (EndsOpen(text, out ReadOnlySpan<byte> head))
        {
            if (StraceSyntax.IsMixed(head, start))
            {
                return StraceTaken.Mixed;
            }

            Begin(task, name, head);
            return StraceTaken.Used;
        }

        if (!name.IsUsed)
        {
            return TakeOther(text, start, task, name);
        }

        Span<Range> ranges = stackalloc Range[StraceSyntax.MostArguments];
        int close = StraceSyntax.Split(text, start, ranges, out int count);
        if (close < 0 || !StraceResult.TryParse(text[(close + 1)..], out StraceResult result))
        {
            bool isClosed = close >= 0;
            close = StraceSyntax.SplitFromBehind(text, ranges, out count);
            if (close < 0 || !StraceResult.TryParse(text[(close + 1)..], out result))
            {
                return Unended(text, start, isClosed);
            }
        }

        if (count == 1 && name.Call is StraceCall.Map or StraceCall.MapIndirect or StraceCall.MapPages)
        {
            count = StraceSyntax.SplitStructure(text, ranges);
        }

        StraceArguments arguments = new StraceArguments(text, ranges[..count]);
        if (result.Outcome == StraceOutcome.Succeeded)
        {
            StraceTaken taken = Succeed(task, name, text[..close], arguments, result, place);
            close = taken == StraceTaken.Unusable ? StraceSyntax.SplitFromBehind(text, ranges, out count) : -1;
            taken = close >= 0 && StraceResult.TryParse(text[(close + 1)..], out result)
                ? Succeed(task, name, text[..close], new StraceArguments(text, ranges[..count]), result, place)
                : taken;
            bool isStale = isResumed && taken == StraceTaken.Unusable && result.Value == _lastValue;
            _lastValue = result.Value;
            return isStale ? LeaveStale(task, name) : taken;
        }

        Fail(task, name, arguments, result);
        return StraceTaken.Used;
    }

    /// <summary>
    /// Counts a call whose thread another one ended by exec: strace 6.1 finds no answer then, and prints the one before once more.
    /// </summary>
    private static StraceTaken LeaveStale(StraceTask task, StraceName name)
    {
        ImportSummary.Add(task.Space.Process.Summary.WithoutResult, name.Name);
        return StraceTaken.Used;
    }

    /// <summary>Counts a call that does not matter, if it is one whole call.</summary>
    private StraceTaken TakeOther(ReadOnlySpan<byte> text, int start, StraceTask? task = null, StraceName? name = null)
    {
        Span<Range> ranges = stackalloc Range[StraceSyntax.MostArguments];
        int close = StraceSyntax.Split(text, start, ranges, out int count);
        if (close < 0 || !StraceResult.TryParse(text[(close + 1)..], out StraceResult result))
        {
            bool isClosed = close >= 0;
            close = StraceSyntax.EndFromBehind(text, start);
            if (close < 0 || !StraceResult.TryParse(text[(close + 1)..], out result))
            {
                return Unended(text, start, isClosed);
            }

            count = 0;
        }

        if (task is not null && name is not null)
        {
            TakeSleep(task, name, new StraceArguments(text, ranges[..count]), result);
        }

        _lastValue = result.Value;
        _summary.OtherCalls++;
        return StraceTaken.Used;
    }

    /// <summary>What a line is that is not one whole call.</summary>
    private static StraceTaken Unended(ReadOnlySpan<byte> text, int start, bool isClosed) =>
        isClosed ? StraceTaken.BadResult
        : StraceSyntax.IsMixed(text, start) && text.IndexOf(") = "u8) >= 0 ? StraceTaken.Mixed
        : StraceTaken.Incomplete;

    /// <summary>
    /// Whether a call goes on in a later line, or nowhere: another one was printed, its process went, its number changed.
    /// </summary>
    private static bool EndsOpen(ReadOnlySpan<byte> text, out ReadOnlySpan<byte> head)
    {
        head = text;
        if (!text.EndsWith(">"u8))
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

    private void Begin(StraceTask task, StraceName name, ReadOnlySpan<byte> head)
    {
        task.Began = ++_begun;
        if (task.Pending is { IsUsed: true } lost)
        {
            ImportSummary.Add(task.Process.Summary.WithoutResult, lost.Name);
        }

        task.Pending = name;
        task.PendingText = name.IsUsed || StraceSleeps.CanTell(name.Name) ? head.ToArray() : [];
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
            case StraceOutcome.Unknown when counts:
                ImportSummary.Add(summary.WithoutResult, name.Name);
                break;
            case StraceOutcome.Failed when counts:
                ImportSummary.Add(summary.Failed, $"{name.Name} {Encoding.UTF8.GetString(result.Error)}".TrimEnd());
                if (result.Error.SequenceEqual("ENOMEM"u8))
                {
                    Calls.TakeFailed(task, name, arguments);
                }

                break;
            case StraceOutcome.Restarted when counts:
                ImportSummary.Add(summary.Interrupted, $"{name.Name} {Encoding.UTF8.GetString(result.Error)}");
                break;
            case StraceOutcome.Injected when counts:
                ImportSummary.Add(summary.NotSimulated, $"{name.Name} answered by strace");
                break;
            default:
                break;
        }
    }

    private StraceTaken Succeed(
        StraceTask task, StraceName name, ReadOnlySpan<byte> call, in StraceArguments arguments, in StraceResult result, StracePlace place)
    {
        if (StraceRules.Broken(name, arguments, result) is { } allowed)
        {
            return Reject(task, name, allowed);
        }

        if (name.IsClone)
        {
            return Clone(task, name, call, result.Value, place);
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

        if (Calls.Take(task, name, arguments, result.Value))
        {
            return StraceTaken.Used;
        }

        return Reject(task, name, Calls.Allowed);
    }

    private StraceTaken Reject(StraceTask task, StraceName name, string? allowed)
    {
        _allowed = allowed;
        if (name.Frees)
        {
            task.Space.Process.Order?.End(task.Id, [], 0, 0);
        }

        return StraceTaken.Unusable;
    }

    private StraceTaken Clone(StraceTask task, StraceName name, ReadOnlySpan<byte> call, ulong number, StracePlace place)
    {
        long child = (long)number;
        if (child == 0)
        {
            // strace was attached to the child while it was being made, and saw its return
            ImportSummary.Add(task.Space.Process.Summary.NotSimulated, $"{name.Name} that returned in the child");
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
