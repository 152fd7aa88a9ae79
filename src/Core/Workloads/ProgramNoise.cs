using VmSim.Core.Programs;
using VmSim.Core.Statistics;

namespace VmSim.Core.Workloads;

/// <summary>
/// Programs as a real machine runs them, a little different each time: threads begin a little later, and stretches of computing take a
/// little more or less. All of it is drawn from a seed.
/// </summary>
public static class ProgramNoise
{
    /// <summary>Keeps the draws apart from those that programs make from the same seed.</summary>
    private const ulong Salt = 0x6E6F6973652D3031;

    /// <summary>A program with noise.</summary>
    /// <param name="image">The program.</param>
    /// <param name="seed">What is drawn depends on it, on the copy, and on the thread's number.</param>
    /// <param name="copy">The copy's number among all processes of the run.</param>
    /// <param name="startCycles">A thread sleeps 0 to so many cycles before its first operation, all equally likely.</param>
    /// <param name="computePercent">
    /// A stretch of computing takes up to so many percent more or less, all equally likely; at most 100.
    /// </param>
    public static ProgramImage Over(ProgramImage image, ulong seed, int copy, long startCycles, int computePercent)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentOutOfRangeException.ThrowIfNegative(startCycles);
        ArgumentOutOfRangeException.ThrowIfNegative(computePercent);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(computePercent, 100);
        if (startCycles == 0 && computePercent == 0)
        {
            return image;
        }

        ulong own = SeededRandom.Mix(seed ^ Salt);
        return image with
        {
            Threads =
            [
                .. image.Threads.Select((thread, number) => thread with
                {
                    Open = () => new Stream(thread.Open(), SeededRandom.Derive(own, copy, number), startCycles, computePercent),
                }),
            ],
            Children =
            [
                .. image.Children.Select((child, number) =>
                    Over(child, SeededRandom.Derive(own, copy, number), copy, startCycles, computePercent)),
            ],
        };
    }

    private sealed class Stream(IOperationStream operations, ulong seed, long startCycles, int computePercent) : ISkippingStream
    {
        private readonly ISkippingStream? _skipping = operations as ISkippingStream;
        private SeededRandom _random = new(seed);
        private bool _hasBegun;

        /// <inheritdoc/>
        public SkippedPages Pages => _skipping?.Pages ?? SkippedPages.None;

        /// <inheritdoc/>
        public long Skippable => _hasBegun && _skipping is { } skipping ? skipping.Skippable : 0;

        /// <inheritdoc/>
        public long Skip(long accesses, out long count)
        {
            count = 0;
            return _skipping?.Skip(accesses, out count) ?? 0;
        }

        /// <inheritdoc/>
        public int Read(Span<ulong> destination)
        {
            int first = 0;
            if (!_hasBegun && destination.Length > 1)
            {
                _hasBegun = true;
                ulong late = _random.Below((ulong)startCycles + 1);
                if (late > 0)
                {
                    destination[first++] = Operation.ControlWord(ControlKind.Sleep, late);
                }
            }

            int count = operations.Read(destination[first..]);
            Span<ulong> read = destination.Slice(first, count);
            for (int i = 0; i < read.Length; i++)
            {
                Operation operation = new(read[i]);
                if (operation is { IsControl: true, Control: ControlKind.Compute })
                {
                    read[i] = Operation.ControlWord(ControlKind.Compute, Jittered(operation.Argument));
                }
            }

            return first + count;
        }

        /// <summary>At most 2^56 cycles come in; 100 times as many fit into 64 bits, and what goes out is kept to 2^56 too.</summary>
        private ulong Jittered(ulong cycles)
        {
            ulong most = cycles * (ulong)computePercent / 100;
            return Math.Min(cycles - most + _random.Below((2 * most) + 1), (1UL << 56) - 1);
        }
    }
}
