using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Statistics;

namespace VmSim.Core.Reports;

/// <summary>What a run counted in each interval of virtual time, from 0 on.</summary>
/// <param name="Length">Length of an interval in cycles.</param>
/// <param name="Series">
/// Values by interval, by name: for each of <see cref="CoreIntervals.Counts"/>, of <see cref="SpaceIntervals.All"/> and of
/// <see cref="CoreIntervals.Classes"/>, in their order.
/// </param>
public sealed record RunIntervals(Cycles Length, IReadOnlyList<KeyValuePair<string, IReadOnlyList<long>>> Series)
{
    internal static RunIntervals Of(IntervalSeries cores, IntervalSeries spaces)
    {
        int shift = Math.Max(cores.Shift, spaces.Shift);
        int count = Math.Max(CountAt(cores, shift), CountAt(spaces, shift));
        int counts = CoreIntervals.Counts.Count;
        return new RunIntervals(
            1L << shift,
            [
                .. CoreIntervals.Counts.Select((figure, number) => Named(figure.Name, Values(cores, number, shift, count))),
                .. SpaceIntervals.All.Select((figure, number) => Named(
                    figure.Name,
                    figure.IsLevel ? Levels(Values(spaces, number, shift, count)) : Values(spaces, number, shift, count))),
                .. CoreIntervals.Classes.Select(
                    (figure, number) => Named(figure.Name, Values(cores, counts + number, shift, count))),
            ]);
    }

    /// <summary>A figure of a series by intervals of a length that is not less than its own.</summary>
    internal static long[] Values(IntervalSeries series, int figure, int shift, int count)
    {
        long[] values = new long[count];
        for (int interval = 0; interval < series.Count; interval++)
        {
            values[interval >> (shift - series.Shift)] += series[interval, figure];
        }

        return values;
    }

    /// <summary>How many intervals of a length that is not less than its own a series has.</summary>
    internal static int CountAt(IntervalSeries series, int shift) =>
        series.Count == 0 ? 0 : ((series.Count - 1) >> (shift - series.Shift)) + 1;

    private static long[] Levels(long[] growths)
    {
        for (int i = 1; i < growths.Length; i++)
        {
            growths[i] += growths[i - 1];
        }

        return growths;
    }

    private static KeyValuePair<string, IReadOnlyList<long>> Named(string name, IReadOnlyList<long> values) => new(name, values);
}
