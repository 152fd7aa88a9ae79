namespace VmSim.Core.Traces.Import.DrMemtrace;

/// <summary>
/// What a record is to the instruction before it. Numbers are those of clients/drcachesim/common/trace_entry.h (trace_type_t,
/// trace_marker_type_t).
/// </summary>
internal static class DrMemtraceTypes
{
    /// <summary>
    /// Whether a record stands among the references of an instruction: a load, a store, or the marker with the physical address of the
    /// reference behind it. Any other ends what belongs to the instruction.
    /// </summary>
    /// <param name="type">The record's type.</param>
    /// <param name="kind">Of a marker: its kind.</param>
    public static bool IsReference(int type, int kind) => type <= 1 || (type == 28 && kind is >= 15 and <= 17);

    /// <summary>
    /// Whether references may follow: a fetch, a bundle of them, or another round of a string instruction, which is not fetched again.
    /// </summary>
    public static bool IsInstruction(int type) => type is (>= 10 and <= 17) or (>= 29 and <= 31) or 48 or 49;
}
