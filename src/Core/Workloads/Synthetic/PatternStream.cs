using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Workloads.Synthetic;

/// <summary>What a <see cref="PatternStream"/> makes of its page numbers.</summary>
/// <param name="Start">The region's first address.</param>
/// <param name="Accesses">References in all.</param>
/// <param name="RunLength">Longest run of references to one page; each run's length is drawn from 1 to this, 1 to 1,024.</param>
/// <param name="StoreFraction">Share of runs that store, 0 to 1.</param>
/// <param name="Compute">Cycles computed after each run.</param>
/// <param name="Seed">Seed of the run lengths and stores.</param>
internal readonly record struct PatternShape(ulong Start, long Accesses, int RunLength, double StoreFraction, long Compute, ulong Seed);

/// <summary>Turns a pattern's page numbers into accesses, in constant memory and without allocating.</summary>
internal sealed class PatternStream : IOperationStream
{
    private readonly PagePattern _pattern;
    private readonly PatternShape _shape;
    private readonly ulong[] _pages = new ulong[512];
    private readonly ulong _storeLimit;
    private ulong _draws;
    private long _left;
    private int _next = 512;
    private bool _owesCompute;

    public PatternStream(PagePattern pattern, PatternShape shape)
    {
        _pattern = pattern;
        _shape = shape;
        _left = shape.Accesses;
        _storeLimit = (ulong)(shape.StoreFraction * 4294967296.0);
        _draws = SeededRandom.Mix(shape.Seed);
    }

    /// <summary>References not made yet.</summary>
    public long Left => _left;

    /// <inheritdoc/>
    public int Read(Span<ulong> operations)
    {
        if (_shape.Compute > 0)
        {
            return ReadWithCompute(operations);
        }

        int written = 0;
        while (written < operations.Length && _left > 0)
        {
            int count = Math.Min(operations.Length - written, TakePages(out ReadOnlySpan<ulong> pages));
            written += Encode(pages[..count], operations[written..]);
        }

        return written;
    }

    /// <summary>The page numbers at hand, at least one.</summary>
    private int TakePages(out ReadOnlySpan<ulong> pages)
    {
        if (_next == _pages.Length)
        {
            _pattern.Fill(_pages);
            _next = 0;
        }

        pages = _pages.AsSpan(_next);
        return pages.Length;
    }

    /// <summary>Encodes accesses until the pages or the references left run out; at least one.</summary>
    private int Encode(ReadOnlySpan<ulong> pages, Span<ulong> operations)
    {
        ulong draw = _draws;
        ulong start = _shape.Start;
        uint longest = (uint)_shape.RunLength;
        ulong storeLimit = _storeLimit;
        long left = _left;
        int done = 0;
        while (done < pages.Length && left > 0)
        {
            // Knuth's linear congruential generator (MMIX): its upper bits are good enough for lengths and kinds, and cheap
            draw = (draw * 6364136223846793005) + 1442695040888963407;
            uint count = 1 + (uint)((((draw >> 16) & 0xFFFF) * longest) >> 16);
            count = (uint)Math.Min(count, left);
            AccessKind kind = (draw >> 32) < storeLimit ? AccessKind.Store : AccessKind.Load;
            operations[done] = Operation.Access(kind, start + (pages[done] << PageSizes.BaseShift), (int)count);
            left -= count;
            done++;
        }

        _draws = draw;
        _left = left;
        _next += done;
        return done;
    }

    private int ReadWithCompute(Span<ulong> operations)
    {
        int written = 0;
        for (; written < operations.Length; written++)
        {
            if (_owesCompute)
            {
                _owesCompute = false;
                operations[written] = Operation.ControlWord(ControlKind.Compute, (ulong)_shape.Compute);
                continue;
            }

            if (_left == 0)
            {
                break;
            }

            TakePages(out ReadOnlySpan<ulong> pages);
            Encode(pages[..1], operations[written..]);
            _owesCompute = true;
        }

        return written;
    }
}
