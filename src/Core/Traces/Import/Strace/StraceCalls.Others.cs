using VmSim.Core.Addresses;
using VmSim.Core.Programs;

namespace VmSim.Core.Traces.Import.Strace;

/// <content>Calls that are c records: locking, syncing, sealing, asking, and advice to several ranges.</content>
internal sealed partial class StraceCalls
{
    private bool Other(StraceTask space, StraceName name, in StraceArguments a)
    {
        ulong start = 0;
        ulong bytes = 0;
        bool hasRange = name.Call is not (StraceCall.LockAll or StraceCall.UnlockAll);
        if (hasRange && !Range(a, 0, 1, out start, out bytes, mayBeEmpty: true))
        {
            return false;
        }

        ulong offset = 0;
        if (name.Call == StraceCall.RemapFilePages && !a.TryNumber(3, out offset))
        {
            return false;
        }

        (VmtCall Call, int Flags)? form = name.Call switch
        {
            StraceCall.Lock => (VmtCall.Lock, 2),
            StraceCall.Unlock => (VmtCall.Unlock, -1),
            StraceCall.LockAll => (VmtCall.LockAll, 0),
            StraceCall.UnlockAll => (VmtCall.UnlockAll, -1),
            StraceCall.Sync => (VmtCall.Sync, 2),
            StraceCall.Resident => (VmtCall.QueryResident, -1),
            StraceCall.Seal => (VmtCall.Seal, -1),
            StraceCall.RemapFilePages => (VmtCall.RemapFilePages, 4),
            _ => null,
        };
        if (form is not { } found)
        {
            return false;
        }

        ulong flags = found.Flags >= 0 && found.Flags < a.Count ? Flags(space, name, a[found.Flags]) & uint.MaxValue : 0;
        VmtRecord record = VmtRecord.OfCall(found.Call, start, bytes, flags, offset * PageBytes);
        _steps.Add(new StraceStep(space.Thread, record, name.Name));
        return true;
    }

    private bool AdviseProcess(StraceTask space, in StraceArguments a, ulong result)
    {
        if (a.Count < 4)
        {
            return false;
        }

        long process = ProcessOf(space, a[0]);
        if (process >= 0 && !space.Process.Tasks.Exists(task => task.Id == process))
        {
            ImportSummary.Add(space.Process.Summary.NotSimulated, "process_madvise of another process");
            return true;
        }

        if (!TryAdvice(space, "process_madvise", a[3], out ulong advice))
        {
            return true;
        }

        // the result is how many bytes were advised, from the first range on
        List<AddrRange<VirtAddr>> ranges = [];
        ReadOnlySpan<byte> text = a[1];
        ulong left = result;
        while (left > 0 && TryRange(ref text, out ulong start, out ulong bytes))
        {
            bytes = Math.Min(bytes, left);
            left -= bytes;
            if (bytes > 0)
            {
                ranges.Add(AddrRange.Of(new VirtAddr(start), bytes));
            }
        }

        if (left > 0 && ranges.Count > 0 && a[1].IndexOf("..."u8) < 0)
        {
            Allowed = "a result of at most the bytes of its ranges";
            return false;
        }

        if (left > 0)
        {
            ImportSummary.Add(space.Process.Summary.NotSimulated, "process_madvise of ranges that strace did not print");
        }

        if (ranges.Count > 0)
        {
            VmtRecord record = VmtRecord.OfCall(VmtCall.AdviseRanges, ranges[0].Start.Value, ranges[0].Size, advice)
                .Answered(Errno.None, ranges[1..]);
            _steps.Add(new StraceStep(space.Thread, record, "process_madvise"));
        }

        return true;
    }

    /// <summary>The process of a descriptor such as 3&lt;pid:4711&gt;; -1 if it is not known.</summary>
    private static long ProcessOf(StraceTask space, ReadOnlySpan<byte> text)
    {
        int open = text.IndexOf((byte)'<');
        ReadOnlySpan<byte> path = open < 0 ? default : text[(open + 1)..];
        if (path.StartsWith("pid:"u8))
        {
            path = path["pid:"u8.Length..];
            int end = path.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
            return StraceValues.TryNumber(end < 0 ? path : path[..end], out ulong id) ? (long)id : -1;
        }

        return TryDescriptor(text, out ulong descriptor) ? space.Process.Files.ProcessOf(descriptor) : -1;
    }

    /// <summary>The next {iov_base=0x7f0000102000, iov_len=4096}.</summary>
    private static bool TryRange(ref ReadOnlySpan<byte> text, out ulong start, out ulong bytes)
    {
        bytes = 0;
        return TryField(ref text, "iov_base="u8, out start) && TryField(ref text, "iov_len="u8, out bytes)
            && VmtRules.IsRange(start = StraceValues.Address(start), Math.Max(1, bytes));
    }

    private static bool TryField(ref ReadOnlySpan<byte> text, ReadOnlySpan<byte> name, out ulong value)
    {
        value = 0;
        int at = text.IndexOf(name);
        if (at < 0)
        {
            return false;
        }

        text = text[(at + name.Length)..];
        int end = text.IndexOfAny(",}"u8);
        return StraceValues.TryNumber(end < 0 ? text : text[..end], out value);
    }
}
