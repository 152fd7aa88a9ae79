using System.Globalization;

namespace VmSim.Core.Traces.Import.Perf;

/// <summary>TLB flushes that the kernel did, by their reason (include/trace/events/tlb.h).</summary>
internal sealed class PerfFlushes
{
    private static readonly string[] Reasons =
    [
        "on-task-switch", "remote-shootdown", "local-shootdown", "local-mm-shootdown", "remote-ipi-send", "remote-wrong-cpu",
    ];

    private readonly (long Count, long Pages, long Full)[] _tallies = new (long, long, long)[Reasons.Length];

    /// <summary>Comments for the trace's end: reason, flushes, pages of the partial ones, flushes of everything.</summary>
    public IEnumerable<string> Comments => Reasons.Select((reason, index) => (reason, tally: _tallies[index]))
        .Where(one => one.tally.Count > 0)
        .Select(one => string.Create(
            CultureInfo.InvariantCulture,
            $"{TraceComments.KernelFlushes}{one.reason} {one.tally.Count} pages {one.tally.Pages} full {one.tally.Full}"));

    /// <summary>All flushes.</summary>
    public long Count => _tallies.Sum(tally => tally.Count);

    /// <summary>Takes an event: pages and reason, the reason as a number or as words with the number in brackets.</summary>
    /// <returns>False if it says something else.</returns>
    public bool TryTake(ReadOnlySpan<byte> text)
    {
        PerfFields fields = new PerfFields(text);

        // Where the place of an event is printed, it stands behind and has brackets too.
        int open = text.IndexOf((byte)'(');
        ReadOnlySpan<byte> number = open < 0 ? default : text[(open + 1)..];
        bool hasReason = PerfText.TryDecimal(ref number, out ulong reason) || fields.TryNumber("reason"u8, out reason);

        // perf trace leaves out what is 0: a flush on a task switch, no pages.
        bool saysReason = text.IndexOf("reason"u8) >= 0;
        bool saysPages = text.IndexOf("pages"u8) >= 0;
        bool isShort = text.Trim((byte)' ').IsEmpty;
        hasReason |= !saysReason && (saysPages || isShort);
        bool hasPages = fields.TryNumber("pages"u8, out ulong pages) || (!saysPages && (saysReason || isShort));
        if (!hasPages || !hasReason || reason >= (ulong)Reasons.Length)
        {
            return false;
        }

        bool isFull = (long)pages < 0 || pages is ulong.MaxValue or uint.MaxValue;
        (long count, long sum, long full) = _tallies[reason];
        _tallies[reason] = (count + 1, sum + (isFull ? 0 : (long)pages), full + (isFull ? 1 : 0));
        return true;
    }
}
