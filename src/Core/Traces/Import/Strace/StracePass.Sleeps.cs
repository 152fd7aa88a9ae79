namespace VmSim.Core.Traces.Import.Strace;

/// <content>Calls in which threads slept.</content>
internal sealed partial class StracePass
{
    /// <summary>When threads and processes ended, by the number of calls that had begun.</summary>
    private readonly Dictionary<long, long> _ends = [];

    /// <summary>Calls that began and went on in a later line, to know what happened since.</summary>
    private long _begun;

    private void NoteEnd(long process)
    {
        if (_ends.Count < (int)StraceRules.MaxProcess)
        {
            _ends[process] = _begun;
        }
    }

    /// <summary>Writes that a thread slept in a call, if it must have.</summary>
    private void TakeSleep(StraceTask task, StraceName name, in StraceArguments arguments, in StraceResult result)
    {
        long child = (long)Math.Min(result.Value, long.MaxValue);
        bool hasChildEnded = task.Began > 0 && _ends.TryGetValue(child, out long end) && end >= task.Began;
        task.Began = 0;
        StraceTask space = task.Space;
        if (!StraceSleeps.CanTell(name.Name) || space.Process.Order is not { } order
            || StraceSleeps.EndOf(name.Name, arguments, result, hasChildEnded) is not { } cause)
        {
            return;
        }

        ulong nanoseconds = (ulong)Math.Min(result.Nanoseconds, (long)VmtRules.MaxSleep);
        order.Add(new StraceStep(space.Thread, VmtRecord.Sleep(name.Name, nanoseconds, cause), Name: null));
        space.Process.Summary.AddSleep(nanoseconds);
    }
}
