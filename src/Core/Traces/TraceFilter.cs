using VmSim.Core.Experiments;
using VmSim.Core.Mmu;

namespace VmSim.Core.Traces;

/// <summary>
/// The filter through which a trace was recorded, and on which TLBs that changes nothing: a reference that it dropped is to the page that
/// its set saw last. Where all pages of a set of the first level share a set of the filter, such a reference hits there and changes
/// nothing, whatever the replacement policy. The second level sees the misses of the first alone, and these in their order.
/// </summary>
public static class TraceFilter
{
    /// <summary>Sets of the filter that a trace's header names, a power of two; 1 if it names none.</summary>
    /// <param name="trace">The trace, before its first record is read.</param>
    /// <exception cref="TraceFormatException">The trace is damaged.</exception>
    public static int SetsOf(IVmtSource trace)
    {
        ArgumentNullException.ThrowIfNull(trace);
        VmtRecord record = default;
        return trace.Read(ref record) && record.Kind == VmtKind.Comment ? VmtRules.FilterSets(record.Text!) : 1;
    }

    /// <summary>Why a configuration would not miss as on the full trace, with what would do; null if it does.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="sets">Sets of the trace's filter.</param>
    public static string? Problem(TlbConfig config, int sets)
    {
        ArgumentNullException.ThrowIfNull(config);
        MmuSpec mmu = config.ToMmuSpec();
        TlbSpec[] first = [mmu.Data4K, mmu.Instruction4K];
        return sets == 1 ? null
            : config.InvalidateEvery > 0 || config.FlushEvery > 0 ? "invlpg_every and flush_every count accesses in their full order"
            : config.HugePercent > 0 ? "huge_pct puts pages of several sets into one entry"
            : first.Any(array => array.Reach != TlbReaches.Page) ? "reach puts pages of several sets into one entry"
            : first.Any(array => array.Index != TlbIndexes.Modulo) ? "index = xor puts pages of several sets into one"
            : OfSets("l1_4k", config.DataSets, config.SecondSets, sets) ?? OfSets("l1i_4k", config.FetchSets, config.SecondSets, sets);
    }

    private static string? OfSets(string array, int first, int second, int sets)
    {
        // Without a first level, the second sees every access.
        (string name, int found) = first > 0 ? (array, first) : ("l2", second);
        return found == 0 ? "without TLBs every access walks"
            : found % sets == 0 ? null
            : $"{name} has {found} {(found == 1 ? "set" : "sets")}";
    }
}
