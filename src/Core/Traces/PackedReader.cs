using VmSim.Core.Programs;

namespace VmSim.Core.Traces;

/// <summary>
/// A stream over a thread's packed operations: every repetition a word of its own, or each word once with how often it stands.
/// </summary>
/// <param name="operations">The operations.</param>
internal sealed class PackedReader(PackedOperations operations) : IOperationStream
{
    private long _index;
    private ulong _repeated;
    private ulong _step;
    private ulong _left;

    /// <inheritdoc/>
    public int Read(Span<ulong> destination)
    {
        int written = 0;
        while (written < destination.Length)
        {
            if (_left > 0)
            {
                written += Repeat(destination[written..]);
                continue;
            }

            if (_index == operations.Count)
            {
                break;
            }

            foreach (ulong word in operations.BlockFrom(_index))
            {
                if (written == destination.Length)
                {
                    break;
                }

                _index++;
                if (PackedOperations.IsContinuation(word))
                {
                    _left = word >> 8;
                    _step = IsNextPages(word) ? 1UL << 8 : 0;
                    break;
                }

                destination[written++] = word;
                _repeated = word;
            }
        }

        return written;
    }

    /// <summary>The next word without its repetitions; not to be mixed with <see cref="Read"/>.</summary>
    /// <param name="word">The word. Of a kernel access that goes on over further pages it is that of the first page.</param>
    /// <param name="times">How often it stands there.</param>
    /// <returns>False at the end.</returns>
    public bool TryRead(out ulong word, out long times)
    {
        times = 1;
        word = 0;
        if (_index == operations.Count)
        {
            return false;
        }

        word = operations[_index++];
        if (_index < operations.Count && operations[_index] is ulong next && PackedOperations.IsContinuation(next))
        {
            times += (long)(next >> 8);
            _index++;
        }

        return true;
    }

    private static bool IsNextPages(ulong word) => ((word >> 2) & 0x3F) == (ulong)PackedOperations.NextPages;

    private int Repeat(Span<ulong> destination)
    {
        int count = (int)Math.Min((ulong)destination.Length, _left);
        for (int i = 0; i < count; i++)
        {
            _repeated += _step;
            destination[i] = _repeated;
        }

        _left -= (ulong)count;
        return count;
    }
}
