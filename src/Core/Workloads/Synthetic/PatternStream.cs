using System.Runtime.CompilerServices;
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

/// <summary>Turns a pattern's page numbers into accesses, in constant memory and without allocating. Page numbers are drawn into the place where their accesses go.</summary>
internal sealed class PatternStream : IOperationStream
{
    // Knuth's linear congruential generator (MMIX): its upper bits are good enough for lengths and kinds, and cheap
    private const ulong Multiplier = 6364136223846793005;
    private const ulong Increment = 1442695040888963407;

    // four steps at once: x -> m^4 x + (m^3 + m^2 + m + 1) c
    private const ulong Multiplier4 = unchecked(Multiplier * Multiplier * Multiplier * Multiplier);
    private const ulong Increment4 = unchecked(Increment * ((Multiplier * Multiplier * Multiplier) + (Multiplier * Multiplier) + Multiplier + 1));

    private readonly PagePattern _pattern;
    private readonly PatternShape _shape;
    private readonly ulong _storeLimit;
    private ulong _draws;
    private long _left;
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
    public int Read(Span<ulong> operations) => _shape.Compute > 0 ? ReadWithCompute(operations) : ReadAccesses(operations);

    private int ReadAccesses(Span<ulong> operations)
    {
        operations = operations[..(int)Math.Min(operations.Length, _left)];
        _pattern.Fill(operations);
        if (_shape.RunLength > 1)
        {
            return EncodeRuns(operations);
        }

        EncodeSingles(operations);
        return operations.Length;
    }

    /// <summary>Makes accesses of page numbers, in place. The four lanes of the generator do not wait for each other.</summary>
    private void EncodeSingles(Span<ulong> operations)
    {
        ulong start = _shape.Start & Operation.PageMask;
        ulong storeLimit = _storeLimit;
        ulong draw = _draws;
        int i = 0;
        ulong draw0 = Step(draw);
        ulong draw1 = Step(draw0);
        ulong draw2 = Step(draw1);
        ulong draw3 = Step(draw2);
        for (; i + 4 <= operations.Length; i += 4)
        {
            Span<ulong> four = operations.Slice(i, 4);
            four[0] = Single(start, four[0], draw0, storeLimit);
            four[1] = Single(start, four[1], draw1, storeLimit);
            four[2] = Single(start, four[2], draw2, storeLimit);
            four[3] = Single(start, four[3], draw3, storeLimit);
            draw = draw3;
            draw0 = (draw0 * Multiplier4) + Increment4;
            draw1 = (draw1 * Multiplier4) + Increment4;
            draw2 = (draw2 * Multiplier4) + Increment4;
            draw3 = (draw3 * Multiplier4) + Increment4;
        }

        for (; i < operations.Length; i++)
        {
            draw = Step(draw);
            operations[i] = Single(start, operations[i], draw, storeLimit);
        }

        _draws = draw;
        _left -= operations.Length;
    }

    /// <summary>Makes runs of references of page numbers, in place, until the page numbers or the references left run out; at least one if there is any.</summary>
    private int EncodeRuns(Span<ulong> operations)
    {
        ulong draw = _draws;
        ulong start = _shape.Start;
        uint longest = (uint)_shape.RunLength;
        ulong storeLimit = _storeLimit;
        long left = _left;
        int done = 0;
        while (done < operations.Length && left > 0)
        {
            draw = Step(draw);
            uint count = 1 + (uint)((((draw >> 16) & 0xFFFF) * longest) >> 16);
            count = (uint)Math.Min(count, left);
            operations[done] = Operation.Access(KindOf(draw, storeLimit), start + (operations[done] << PageSizes.BaseShift), (int)count);
            left -= count;
            done++;
        }

        _draws = draw;
        _left = left;
        return done;
    }

    /// <summary>An access, then the computing behind it, and so on: the accesses are made in the rear half and moved forward to their places.</summary>
    private int ReadWithCompute(Span<ulong> operations)
    {
        ulong compute = Operation.ControlWord(ControlKind.Compute, (ulong)_shape.Compute);
        int written = 0;
        if (_owesCompute && operations.Length > 0)
        {
            operations[written++] = compute;
            _owesCompute = false;
        }

        Span<ulong> rest = operations[written..];
        int pairs = (int)Math.Min((rest.Length + 1) / 2, _left);
        Span<ulong> accesses = rest[^pairs..];
        int made = ReadAccesses(accesses);
        for (int i = 0; i < made; i++)
        {
            rest[2 * i] = accesses[i];
            _owesCompute = (2 * i) + 1 == rest.Length;
            if (!_owesCompute)
            {
                rest[(2 * i) + 1] = compute;
            }
        }

        return written + Math.Min(2 * made, rest.Length);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Step(ulong draw) => (draw * Multiplier) + Increment;

    /// <summary>A store below the limit, else a load; without a branch, which no host could foretell.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static AccessKind KindOf(ulong draw, ulong storeLimit) => (AccessKind)((int)AccessKind.Load + (int)(((draw >> 32) - storeLimit) >> 63));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Single(ulong start, ulong page, ulong draw, ulong storeLimit) =>
        (start + (page << PageSizes.BaseShift)) | (ulong)KindOf(draw, storeLimit);
}
