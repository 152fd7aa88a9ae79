using VmSim.Core.Addresses;
using VmSim.Core.Memory;
using VmSim.Core.Programs;

namespace VmSim.Host.Maps;

/// <summary>A process while its trace is replayed: its memory, its calls so far and the snapshots that are still to come.</summary>
internal sealed class TracedProcess(ulong id, VirtualMemory memory, IEnumerable<KernelSnapshot> snapshots)
{
    private const int PointsAhead = 64;
    private readonly List<Touched> _calls = [];

    /// <summary>Its number in the kernel; 0 when the file of snapshots does not say.</summary>
    public ulong Id => id;

    /// <summary>Its memory.</summary>
    public VirtualMemory Memory { get; set; } = memory;

    /// <summary>Snapshots that are still to come.</summary>
    public LinkedList<KernelSnapshot> Ahead { get; } = new(snapshots);

    /// <summary>Whether what its program began with is mapped.</summary>
    public bool HasBegun { get; set; }

    /// <summary>Whether what its program began with is the kernel's word.</summary>
    public bool IsToldByKernel { get; set; }

    /// <summary>Whether it has used memory.</summary>
    public bool HasAccesses { get; set; }

    /// <summary>Faults that needed no device.</summary>
    public long Faults { get; set; }

    /// <summary>The child begins with its parent's calls.</summary>
    public void Inherit(TracedProcess parent)
    {
        _calls.AddRange(parent._calls.Select(call => call with { Text = $"of its parent, {call.Text}" }));
        HasBegun = parent.HasBegun;
        IsToldByKernel = parent.IsToldByKernel;
        HasAccesses = parent.HasAccesses;
    }

    /// <summary>Remembers a call.</summary>
    /// <param name="record">Its record.</param>
    /// <param name="call">The call.</param>
    /// <param name="oldBreak">The break before it.</param>
    public void Note(long record, SystemCall call, ulong oldBreak)
    {
        (ulong start, ulong bytes) = (call.Start.Value, call.Length);
        if (call.Kind == SystemCallKind.SetBreak)
        {
            start = Math.Min(call.Start.Value, oldBreak);
            bytes = Math.Max(call.Start.Value, oldBreak) - start;
        }

        _calls.Add(new Touched(start, bytes, call.NewStart.Value, call.NewLength, $"record {record}: {Describe(call)}"));
    }

    /// <summary>A new program has none of the old one's calls.</summary>
    public void Forget() => _calls.Clear();

    /// <summary>
    /// The earliest of the calls that last touched each differing range. No call of the trace touched a range: then a call is missing, or
    /// the range is the program's from the start.
    /// </summary>
    public string PartingOf(IReadOnlyList<MapsDifference> differences)
    {
        int earliest = int.MaxValue;
        foreach (MapsDifference difference in differences)
        {
            int last = _calls.FindLastIndex(call => call.Touches(difference.Start, difference.End));
            earliest = Math.Min(earliest, last);
        }

        return differences.Count == 0
            ? ""
            : earliest < 0 ? $"no call of the trace touches {differences[0].Start:x}-{differences[0].End:x}" : _calls[earliest].Text;
    }

    /// <summary>Takes the snapshots up to the next one that is of an event.</summary>
    /// <returns>Null, and nothing is taken, when there is none.</returns>
    public KernelSnapshot? TakeNext(SnapshotEvent wanted)
    {
        LinkedListNode<KernelSnapshot>? node = Ahead.First;
        while (node is not null && node.Value.Event != wanted)
        {
            node = node.Next;
        }

        while (node is not null && Ahead.First != node)
        {
            Ahead.RemoveFirst();
        }

        if (node is not null)
        {
            Ahead.RemoveFirst();
        }

        return node?.Value;
    }

    /// <summary>Takes the snapshot before a call, if one of the next is.</summary>
    /// <param name="call">The call.</param>
    /// <param name="skipped">How many before it were taken as well.</param>
    public KernelSnapshot? TakePoint(SystemCall call, out int skipped)
    {
        skipped = 0;
        LinkedListNode<KernelSnapshot>? node = Ahead.First;
        while (node is { Value.Event: SnapshotEvent.Call } && skipped < PointsAhead && !IsOf(node.Value, call))
        {
            node = node.Next;
            skipped++;
        }

        if (node is not { Value.Event: SnapshotEvent.Call } || skipped == PointsAhead)
        {
            skipped = 0;
            return null;
        }

        for (int i = 0; i <= skipped; i++)
        {
            Ahead.RemoveFirst();
        }

        return node.Value;
    }

    /// <summary>A call in words.</summary>
    public static string Describe(SystemCall call) => call.Kind switch
    {
        SystemCallKind.Map =>
            $"mmap {call.Start.Value:x}, {call.Length:x} bytes, {MapsComparison.RightsText(call.Protection, call.Shared)}",
        SystemCallKind.Unmap => $"munmap {call.Start.Value:x}, {call.Length:x} bytes",
        SystemCallKind.Protect =>
            $"mprotect {call.Start.Value:x}, {call.Length:x} bytes, {MapsComparison.RightsText(call.Protection, isShared: false)[..3]}",
        SystemCallKind.SetBreak => $"brk {call.Start.Value:x}",
        SystemCallKind.Remap => $"mremap {call.Start.Value:x}, {call.Length:x} bytes, to {call.NewStart.Value:x}, {call.NewLength:x} bytes",
        SystemCallKind.Advise => $"madvise {call.Start.Value:x}, {call.Length:x} bytes, {call.Advice}",
        _ => $"{call.Kind} {call.Start.Value:x}, {call.Length:x} bytes",
    };

    /// <summary>Whether a call that is about to be made is this one; mmap does not know yet where it will be.</summary>
    private static bool IsOf(KernelSnapshot point, SystemCall call)
    {
        IReadOnlyList<ulong> a = point.Arguments;
        bool isHere = a[0] == call.Start.Value && a[1] == call.Length;
        return point.CallName switch
        {
            "mmap" => call.Kind == SystemCallKind.Map && a[1] == call.Length && (a[2] & 7) == (ulong)call.Protection,
            "munmap" => call.Kind == SystemCallKind.Unmap && isHere,
            "mprotect" or "pkey_mprotect" => call.Kind == SystemCallKind.Protect && isHere && (a[2] & 7) == (ulong)call.Protection,
            "madvise" => call.Kind == SystemCallKind.Advise && isHere && a[2] == (ulong)call.Advice,
            "mremap" => call.Kind == SystemCallKind.Remap && isHere && a[2] == call.NewLength,
            "brk" => call.Kind == SystemCallKind.SetBreak && a[0] == call.Start.Value,
            _ => false,
        };
    }

    private readonly record struct Touched(ulong Start, ulong Bytes, ulong NewStart, ulong NewBytes, string Text)
    {
        public bool Touches(ulong start, ulong end) => Meets(Start, Bytes, start, end) || Meets(NewStart, NewBytes, start, end);

        private static bool Meets(ulong from, ulong bytes, ulong start, ulong end) =>
            bytes > 0 && (from & ~(PageSizes.BaseBytes - 1)) < end && from + (bytes - 1) >= start;
    }
}
