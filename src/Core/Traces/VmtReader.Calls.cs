using VmSim.Core.Addresses;
using VmSim.Core.Programs;

namespace VmSim.Core.Traces;

/// <content>Calls that change mappings, as the kernel will take them.</content>
public sealed partial class VmtReader
{
    private void SetBreak(ulong value)
    {
        ulong old = _firstBreak is null ? value : _break;
        _firstBreak ??= value;
        _break = value;
        _initialBreak ??= _hasExecuted ? 0 : value;
        (ulong start, ulong end) = (Math.Min(old, value), Math.Max(old, value));
        if (!_hasExecuted)
        {
            SystemCall call = new()
            {
                Kind = SystemCallKind.SetBreak,
                Start = new VirtAddr(value),
                Name = "[heap]",
                Recorded = Errno.None,
            };
            Add(call, start, end - start);
        }
        else if (end > start)
        {
            Add(TraceCalls.MoveBreak(old, value), start, end - start);
        }
    }

    private void Call(ref VmtRecord record)
    {
        if (record.Kind == VmtKind.Remap)
        {
            // both places change hands: the new one is noted with the call, the old one right after it at the same place
            Add(TraceCalls.Remap(ref record), record.NewStart, record.NewBytes);
            Change(record.Start, record.Bytes);
            return;
        }

        if (record.Kind == VmtKind.Call)
        {
            OtherCall(ref record);
            return;
        }

        if (record.Bytes > 0)
        {
            Add(TraceCalls.Simple(ref record, record.Kind == VmtKind.Map ? FileOf(record.FileId) : -1), record.Start, record.Bytes);
        }
    }

    private void OtherCall(ref VmtRecord record)
    {
        if (VmtCalls.FormOf(record.Call).HasPolicy)
        {
            // the program entered the kernel, which keeps a policy that the simulated one does not have
            _current.Operations.Add(Operation.ControlWord(ControlKind.SystemCall, (ulong)_current.Calls.Count));
            _current.Calls.Add(TraceCalls.Kept);
            _order.Change(_current.Index, 0, 0, _current.Operations.Count - 1);
            _family.Keep(VmtCalls.FormOf(record.Call).Name);
            return;
        }

        bool isOfAll = record.Call is VmtCall.LockAll or VmtCall.UnlockAll;
        Add(TraceCalls.Other(ref record), record.Start, isOfAll ? TraceCalls.UserBytes : record.Bytes);
        foreach (AddrRange<VirtAddr> range in record.MoreRanges)
        {
            Change(range.Start.Value, range.Size);
        }
    }

    private void Add(SystemCall call, ulong start, ulong length)
    {
        _current.Operations.Add(Operation.ControlWord(ControlKind.SystemCall, (ulong)_current.Calls.Count));
        _current.Calls.Add(_current.NextSite is { } site ? call with { Site = site } : call);
        _options.Observer?.Call(_records, call);
        Change(start, length);
    }

    /// <summary>A file or call site gets its number.</summary>
    private void Name(ref VmtRecord record)
    {
        if (record.Kind == VmtKind.File)
        {
            _files[record.FileId] = _family.AddFile(record.Text!);
        }
        else
        {
            _sites[(int)record.Number] = new CallSite(record.Text!.Split(CallSite.Separator));
        }
    }

    private void NoteSite(int number) => _current.NextSite = _sites.TryGetValue(number, out CallSite? site)
        ? site
        : throw _source.Bad($"a call from call site {number}, which has no g record before", "the number of a call site");

    private void Change(ulong start, ulong length)
    {
        ulong end = length == 0 ? start : start + (length - 1);
        ulong endPage = (end >> PageSizes.BaseShift) + (length == 0 ? 0UL : 1);
        long place = _current.Operations.Count - 1;
        if (_threads.Count == 1 && _options.Order == ReplayOrder.Pages && endPage > start >> PageSizes.BaseShift)
        {
            _changesAlone.Add((place, start >> PageSizes.BaseShift, endPage));
        }

        _order.Change(_current.Index, start >> PageSizes.BaseShift, endPage, place);
    }

    private int FileOf(int traceId)
    {
        if (traceId < 0)
        {
            return -1;
        }

        if (!_files.TryGetValue(traceId, out int index))
        {
            index = _family.AddFile($"file {traceId}");
            _files.Add(traceId, index);
        }

        return index;
    }
}
