using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace VmSim.Core.Addresses;

/// <summary>Cores by number, as ranges in the order in which they are named: <c>0-3,8</c>.</summary>
public sealed class CoreList
{
    private readonly IReadOnlyList<(int First, int Last)> _ranges;

    private CoreList(IReadOnlyList<(int First, int Last)> ranges) => _ranges = ranges;

    /// <summary>The greatest number; -1 of no cores.</summary>
    public int Greatest => _ranges.Select(range => range.Last).DefaultIfEmpty(-1).Max();

    /// <summary>How many numbers it names, those that it names twice counted twice.</summary>
    public long Count => _ranges.Sum(range => range.Last - (long)range.First + 1);

    /// <summary>The cores one by one, in the order of the list.</summary>
    public IEnumerable<CoreId> Cores =>
        _ranges.SelectMany(range => Enumerable.Range(range.First, range.Last - range.First + 1)).Select(core => new CoreId(core));

    /// <summary>Reads a list; one of no cores is empty.</summary>
    /// <param name="text">Numbers and ranges of numbers with commas between, as Linux writes lists of processors.</param>
    /// <param name="cores">The list.</param>
    /// <param name="wrong">The part that is neither a number nor a range, which rises; empty if there is none.</param>
    /// <returns>Whether it is one.</returns>
    public static bool TryParse(string text, [NotNullWhen(true)] out CoreList? cores, out string wrong)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<(int First, int Last)> ranges = [];
        (cores, wrong) = (null, "");
        foreach (string part in text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            string[] ends = part.Split('-');
            if (ends.Length > 2 || !TryNumber(ends[0], out int first) || !TryNumber(ends[^1], out int last) || last < first)
            {
                wrong = part;
                return false;
            }

            ranges.Add((first, last));
        }

        cores = new CoreList(ranges);
        return true;
    }

    /// <summary>Whether a core is in it.</summary>
    public bool Contains(CoreId core) => _ranges.Any(range => core.Value >= range.First && core.Value <= range.Last);

    /// <inheritdoc/>
    public override string ToString() => string.Join(',', _ranges.Select(range => range.First == range.Last
        ? range.First.ToString(CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{range.First}-{range.Last}")));

    private static bool TryNumber(string text, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number < int.MaxValue;
}
