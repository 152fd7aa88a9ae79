using VmSim.Core.Kernel;

namespace VmSim.Core.Reports;

/// <summary>Which cores interrupted which for shootdowns; cores that follow each other are one block where there are many.</summary>
/// <param name="CoresPerBlock">Cores of a block; 1 or more.</param>
/// <param name="Rows">Interrupts by the initiator's block and the target's.</param>
public sealed record RunInterrupts(int CoresPerBlock, IReadOnlyList<IReadOnlyList<long>> Rows)
{
    /// <exception cref="InvalidDataException">A space has counts of another machine.</exception>
    internal static RunInterrupts? Of(int cores, IEnumerable<long[]> spaces)
    {
        int blocks = InterruptMatrix.BlocksOf(cores);
        long[][] rows = [.. Enumerable.Range(0, blocks).Select(_ => new long[blocks])];
        bool hasAny = false;
        foreach (long[] counts in spaces)
        {
            if (counts.Length != 0 && counts.Length != blocks * blocks)
            {
                throw new InvalidDataException($"interrupts: {counts.Length} counts found; {blocks * blocks} are needed");
            }

            for (int i = 0; i < counts.Length; i++)
            {
                rows[i / blocks][i % blocks] += counts[i];
                hasAny |= counts[i] != 0;
            }
        }

        return hasAny ? new RunInterrupts(InterruptMatrix.CoresPerBlock(cores), rows) : null;
    }
}
