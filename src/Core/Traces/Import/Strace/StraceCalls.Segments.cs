using System.Globalization;

namespace VmSim.Core.Traces.Import.Strace;

/// <content>Shared segments of System V: shmget and shmctl tell how large they are, shmat and shmdt map and unmap them.</content>
internal sealed partial class StraceCalls
{
    private const ulong PageMask = PageBytes - 1;
    private const ulong MapShared = 1;
    private const ulong SharedReadOnly = 0x1000;
    private const ulong SharedExecute = 0x8000;
    private readonly Dictionary<ulong, (string Name, ulong Bytes)> _segments = [];

    /// <summary>Segments that were attached and of which the log does not say how large they are.</summary>
    public long UnsizedSegments { get; private set; }

    private bool Attach(StraceTask space, in StraceArguments a, ulong result)
    {
        if (a.Count < 3 || !a.TryNumber(0, out ulong id) || !VmtRules.IsRange(result, PageBytes))
        {
            return false;
        }

        if (!_segments.TryGetValue((uint)id, out (string Name, ulong Bytes) segment))
        {
            segment = (SegmentName(0, (uint)id), 0);
        }

        UnsizedSegments += segment.Bytes == 0 ? 1 : 0;
        ulong bytes = segment.Bytes == 0 || !VmtRules.IsRange(result, segment.Bytes) ? PageBytes : (segment.Bytes + PageMask) & ~PageMask;
        ulong flags = Flags(space, new StraceName("shmat", StraceCall.Attach), a[2]);
        ulong rights = ((flags & SharedReadOnly) != 0 ? 1UL : 3) | ((flags & SharedExecute) != 0 ? 4UL : 0);
        space.Process.Segments[result] = bytes;
        VmtRecord record = VmtRecord.Mapping(VmtKind.Map, result, bytes, rights, MapShared, -1, 0);
        _steps.Add(new StraceStep(space.Thread, record, "shmat", segment.Name));
        return true;
    }

    private bool Detach(StraceTask space, in StraceArguments a)
    {
        return a.TryAddress(0, out ulong start) && VmtRules.IsRange(start, PageBytes)
            && Free(space, VmtRecord.OfCall(VmtCall.Detach, start, space.Process.TakeSegment(start)), "shmdt");
    }

    private bool SegmentGet(StraceTask space, in StraceArguments a, ulong result)
    {
        ulong key = 0;
        _ = a[0].SequenceEqual("IPC_PRIVATE"u8) || a.TryNumber(0, out key);
        if (!a.TryNumber(1, out ulong bytes))
        {
            return false;
        }

        // a size of 0 asks for a segment that is there already, however large
        if (bytes > 0 || !_segments.ContainsKey((uint)result))
        {
            _segments[(uint)result] = (SegmentName(key, (uint)result), bytes);
        }

        ImportSummary.Add(space.Process.Summary.NotSimulated, "shmget");
        return true;
    }

    private bool SegmentControl(StraceTask space, in StraceArguments a)
    {
        ReadOnlySpan<byte> text = a.Count < 3 ? default : a[2];
        if (a.TryNumber(0, out ulong id) && TryField(ref text, "shm_segsz="u8, out ulong bytes))
        {
            _segments.TryAdd((uint)id, (SegmentName(0, (uint)id), bytes));
        }

        ImportSummary.Add(space.Process.Summary.NotSimulated, "shmctl");
        return true;
    }

    /// <summary>As /proc/PID/maps names it, with the number that tells private segments apart.</summary>
    private static string SegmentName(ulong key, uint id) => string.Create(CultureInfo.InvariantCulture, $"/SYSV{(uint)key:x8} {id}");
}
