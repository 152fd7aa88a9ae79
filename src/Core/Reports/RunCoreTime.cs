using System.Numerics;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Statistics;

namespace VmSim.Core.Reports;

/// <summary>
/// Where each core's cycles went in each interval of <see cref="RunIntervals"/>; cores that follow each other are one block where there are
/// many. What is left of an interval's length was idle.
/// </summary>
/// <param name="CoresPerBlock">Cores of a block; 1 or more.</param>
/// <param name="User">Cycles of the program, by block and interval.</param>
/// <param name="Lost">Cycles of virtual memory and the kernel: all other classes of <see cref="CoreCycles"/>.</param>
public sealed record RunCoreTime(int CoresPerBlock, IReadOnlyList<IReadOnlyList<long>> User, IReadOnlyList<IReadOnlyList<long>> Lost)
{
    /// <summary>Figures of a block: cycles of the program, and lost ones.</summary>
    public const int Figures = 2;

    /// <summary>A block's figures from a core's.</summary>
    internal static IntervalSeries OfCore(IntervalSeries core)
    {
        int counts = CoreIntervals.Counts.Count;
        return core.Select(Figures, (figures, block) =>
        {
            for (int i = 0; i < CoreIntervals.Classes.Count; i++)
            {
                block[i == CoreCycles.User.Index ? 0 : 1] += figures[counts + i];
            }
        });
    }

    /// <exception cref="InvalidDataException">There are blocks of another machine.</exception>
    internal static RunCoreTime Of(int cores, SortedDictionary<int, IntervalSeries> blocks, RunIntervals intervals)
    {
        int count = InterruptMatrix.BlocksOf(cores);
        int shift = BitOperations.Log2((ulong)intervals.Length.Value);
        int length = intervals.Series[0].Value.Count;
        if (blocks.Any(block => block.Key < 0 || block.Key >= count || block.Value.Shift > shift
            || RunIntervals.CountAt(block.Value, shift) > length))
        {
            throw new InvalidDataException(
                $"core time: {count} blocks with at most {length} intervals of at most {intervals.Length} cycles are needed");
        }

        return new RunCoreTime(InterruptMatrix.CoresPerBlock(cores), Rows(0), Rows(1));

        IReadOnlyList<long>[] Rows(int figure) =>
        [
            .. Enumerable.Range(0, count).Select(block => blocks.TryGetValue(block, out IntervalSeries? series)
                ? RunIntervals.Values(series, figure, shift, length)
                : new long[length]),
        ];
    }
}
