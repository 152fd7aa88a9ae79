using System.Globalization;
using VmSim.Core.Paging;
using VmSim.Core.Programs;

namespace VmSim.Core.Memory;

/// <summary>
/// Calls of a process that a person should know of: those that answered something else than they did where the program was recorded, and
/// those that failed in a program that was never recorded. They are kept by call and answer, each with its first places.
/// </summary>
public sealed class CallFindings
{
    private const int PlacesKept = 3;

    /// <summary>Stands for an answer that nobody recorded.</summary>
    private const int Unrecorded = -1;

    private readonly SortedDictionary<(SystemCallKind Kind, Errno Answer, bool IsPartial, int Recorded, MemoryLimit Limit), Finding>
        _findings = [];

    /// <summary>How many calls there are.</summary>
    public long Count { get; private set; }

    /// <summary>Takes note of a call if its answer is a finding.</summary>
    /// <param name="call">The call.</param>
    /// <param name="result">What it did.</param>
    public void Note(SystemCall call, MmResult result)
    {
        ArgumentNullException.ThrowIfNull(call);
        ArgumentNullException.ThrowIfNull(result);
        if (result.Errno == (call.Recorded ?? Errno.None))
        {
            return;
        }

        Count++;
        bool isPartial = result.Errno != Errno.None && result.Error is null;
        (SystemCallKind, Errno, bool, int, MemoryLimit) key =
            (call.Kind, result.Errno, isPartial, (int?)call.Recorded ?? Unrecorded, result.Limit);
        if (!_findings.TryGetValue(key, out Finding? finding))
        {
            finding = new Finding { Name = CallText.NameOf(call) };
            _findings.Add(key, finding);
        }

        finding.Count++;
        if (finding.Places.Count < PlacesKept)
        {
            finding.Places.Add(CallText.Describe(call));
        }
    }

    /// <summary>One line for each kind of call and answer.</summary>
    /// <param name="options">How the memory behaves, for the limits.</param>
    /// <param name="format">The page table's format.</param>
    public IEnumerable<string> Describe(VirtualMemoryOptions options, PageTableFormat format)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(format);
        foreach (((_, Errno answer, bool isPartial, int recorded, MemoryLimit limit), Finding finding) in _findings)
        {
            string plural = finding.Count == 1 ? "" : "s";
            string calls = string.Create(CultureInfo.InvariantCulture, $"{finding.Count:N0} {finding.Name} call{plural}");
            string places = $"first {string.Join(", ", finding.Places)}";
            string answered = isPartial ? $"did a part and answered {answer.Name()}" : Answered(answer);
            yield return $"{calls} {answered}{WhereRecorded(recorded)}{Reason(limit, options, format)}; {places}";
        }
    }

    /// <summary>What a limit is, and which setting moves it; for messages.</summary>
    /// <param name="limit">The limit.</param>
    /// <param name="options">How the memory behaves.</param>
    /// <param name="format">The page table's format.</param>
    public static string Reason(MemoryLimit limit, VirtualMemoryOptions options, PageTableFormat format)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(format);
        return limit switch
        {
            MemoryLimit.Areas => string.Create(
                CultureInfo.InvariantCulture, $": the limit of {options.MaxAreas:N0} areas is reached (memory.map-count-limit)"),
            MemoryLimit.Addresses => $": the page table {format} cannot hold the address; {Wider(format)}",
            MemoryLimit.Frames => ": no memory is left (memory.bytes)",
            MemoryLimit.Promises when options.Overcommit == Overcommit.Never => string.Create(
                CultureInfo.InvariantCulture,
                $": more than {options.OvercommitRatio} % of the memory would be promised (memory.overcommit, memory.overcommit-ratio)"),
            MemoryLimit.Promises => ": it asks for more than all memory (memory.overcommit, memory.bytes)",
            MemoryLimit.Stack => string.Create(
                CultureInfo.InvariantCulture, $": the stack may not grow beyond {options.StackLimitBytes:N0} bytes (memory.stack-limit)"),
            _ => "",
        };
    }

    private static string Wider(PageTableFormat format)
    {
        IEnumerable<string> wider = PageTableFormats.All
            .Where(other => other.VirtualBits > format.VirtualBits).Select(other => other.Name);
        string names = string.Join(", ", wider);
        return names.Length == 0 ? "none of the formats here can" : $"wider ones are {names} (machine.page-table)";
    }

    private static string Answered(Errno answer) => answer == Errno.None ? "succeeded" : $"failed with {answer.Name()}";

    private static string WhereRecorded(int recorded) =>
        recorded == Unrecorded ? "" : $" and {Answered((Errno)recorded)} where the program was recorded";

    private sealed class Finding
    {
        internal required string Name { get; init; }

        internal long Count { get; set; }

        internal List<string> Places { get; } = [];
    }
}
