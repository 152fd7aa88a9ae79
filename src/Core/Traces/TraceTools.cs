using VmSim.Core.Addresses;
using VmSim.Core.Programs;
using VmSim.Core.Statistics;

namespace VmSim.Core.Traces;

/// <summary>What checking a trace found.</summary>
/// <param name="Records">Records that are in order.</param>
/// <param name="Accesses">Accesses among them.</param>
/// <param name="Damage">Why the trace cannot be read further; null when it can be read to its end.</param>
/// <param name="UnmappedAccesses">Accesses, kernel's included, to pages that the trace has not mapped at that point.</param>
/// <param name="UnmappedPages">The first few of those pages.</param>
public sealed record TraceVerification(
    long Records, long Accesses, string? Damage, long UnmappedAccesses, IReadOnlyList<ulong> UnmappedPages);

/// <summary>Work on whole traces: copy, cut, check.</summary>
public static class TraceTools
{
    private const int MaxExamples = 10;
    private const ulong StackBytes = 8UL << 20;

    /// <summary>Copies a whole trace from one form to another.</summary>
    /// <returns>
    /// Why the trace was not copied to its end, when it is damaged and <paramref name="salvage"/> allows that; null otherwise.
    /// </returns>
    /// <exception cref="TraceFormatException">The trace is damaged.</exception>
    public static string? Copy(IVmtSource source, IVmtSink sink, bool salvage = false) => Cut(source, sink, 0, long.MaxValue, salvage);

    /// <summary>Copies the accesses numbered <paramref name="from"/> up to but not including <paramref name="to"/> (collapsed ones counted
    /// one by one),
    /// and before them every record that is no access, so that the same is mapped. A record that the border falls into is split.</summary>
    /// <returns>
    /// Why the trace was not read to the border, when it is damaged and <paramref name="salvage"/> allows that; null otherwise.
    /// </returns>
    /// <exception cref="TraceFormatException">The trace is damaged.</exception>
    public static string? Cut(IVmtSource source, IVmtSink sink, long from, long to, bool salvage = false)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(sink);
        VmtRecord record = default;
        long done = 0;
        try
        {
            while (done < to && source.Read(ref record))
            {
                if (!record.IsAccess)
                {
                    bool isOfItsTime = record.Kind is VmtKind.KernelLoad or VmtKind.KernelStore or VmtKind.Sleep;
                    if (!isOfItsTime || done >= from)
                    {
                        sink.Write(record);
                    }

                    continue;
                }

                long start = done;
                done = (long)record.Count <= long.MaxValue - done
                    ? done + (long)record.Count
                    : throw source.Bad($"more than {long.MaxValue:N0} accesses", "at most as many in a trace that is cut");
                long kept = Math.Min(done, to) - Math.Max(start, from);
                if (kept > 0)
                {
                    sink.Write(record.WithCount((ulong)kept));
                }
            }
        }
        catch (TraceFormatException error) when (salvage)
        {
            return error.Message;
        }

        return null;
    }

    /// <summary>
    /// Reads a trace to its end and checks that it uses only what is mapped. The trace's order of records is what counts.
    /// </summary>
    /// <param name="source">The trace.</param>
    /// <param name="isChild">
    /// Whether it is a forked child's trace, whose first mappings are not in it; then use of memory is not checked.
    /// </param>
    public static TraceVerification Verify(IVmtSource source, bool isChild = false)
    {
        ArgumentNullException.ThrowIfNull(source);
        MappedPages mapped = new MappedPages();
        List<ulong> examples = new List<ulong>();
        HashSet<ulong> missed = new HashSet<ulong>();
        VmtRecord record = default;
        long records = 0;
        long accesses = 0;
        long unmapped = 0;
        string? damage = null;
        try
        {
            while (source.Read(ref record))
            {
                records++;
                mapped.Take(record);
                if (record.IsAccess)
                {
                    accesses = Saturating.Add(accesses, (long)record.Count);
                    Use(record.Page, (long)record.Count);
                }
                else if (record.Kind is VmtKind.KernelLoad or VmtKind.KernelStore)
                {
                    Use(record.Start >> PageSizes.BaseShift, 1);
                }
            }
        }
        catch (TraceFormatException error)
        {
            damage = error.Message;
        }

        return new TraceVerification(records, accesses, damage, unmapped, examples);

        void Use(ulong page, long count)
        {
            if (isChild || mapped.Contains(page))
            {
                return;
            }

            unmapped = Saturating.Add(unmapped, count);
            if (examples.Count < MaxExamples && missed.Add(page))
            {
                examples.Add(page);
            }
        }
    }

    /// <summary>The pages that are mapped at a point of a trace.</summary>
    private sealed class MappedPages
    {
        private static readonly TraceOrder.Point Mapped = new(0, 1);
        private static readonly TraceOrder.Point Unmapped = new(0, 0);
        private readonly RangeOperations _ranges = new();
        private ulong _break;

        public bool Contains(ulong page) => _ranges.Find(page) == Mapped;

        public void Take(in VmtRecord record)
        {
            if (record.Kind is (VmtKind.Map or VmtKind.Unmap or VmtKind.Remap or VmtKind.Call) && Fails(record))
            {
                return;
            }

            switch (record.Kind)
            {
                case VmtKind.InitialMap when (record.Flags & 0x100) != 0:
                    // a stack may grow
                    ulong end = record.Start + record.Bytes;
                    Set(end > StackBytes ? Math.Min(record.Start, end - StackBytes) : 0, Math.Max(record.Bytes, StackBytes), Mapped);
                    break;
                case VmtKind.InitialMap or VmtKind.Map:
                    Set(record.Start, record.Bytes, Mapped);
                    break;
                case VmtKind.Unmap:
                    Set(record.Start, record.Bytes, Unmapped);
                    break;
                case VmtKind.Remap:
                    bool leaves = ((RemapFlags)record.Flags & RemapFlags.DontUnmap) == 0;
                    Set(record.Start, leaves ? record.Bytes : 0, Unmapped);
                    Set(record.NewStart, record.NewBytes, Mapped);
                    break;
                case VmtKind.Call when record.Call == VmtCall.Detach:
                    Set(record.Start, record.Bytes, Unmapped);
                    break;
                case VmtKind.Break:
                    ulong old = _break == 0 ? record.Break : _break;
                    Set(
                        Math.Min(old, record.Break),
                        Math.Max(old, record.Break) - Math.Min(old, record.Break),
                        record.Break > old ? Mapped : Unmapped);
                    _break = record.Break;
                    break;
                case VmtKind.Exec:
                    Set(0, TraceCalls.UserBytes, Unmapped);
                    _break = 0;
                    break;
                default:
                    break;
            }
        }

        /// <summary>Whether a call failed where it was recorded, or fails in any run: it leaves what is mapped as it is.</summary>
        private static bool Fails(in VmtRecord call) => call.Errno != Errno.None || (call.Start & (PageSizes.BaseBytes - 1)) != 0;

        private void Set(ulong start, ulong length, TraceOrder.Point state)
        {
            if (length > 0)
            {
                _ranges.Replace(start >> PageSizes.BaseShift, ((start + (length - 1)) >> PageSizes.BaseShift) + 1, state, static _ => { });
            }
        }
    }
}
