using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using VmSim.Core.Addresses;
using VmSim.Core.Programs;
using VmSim.Core.Statistics;

namespace VmSim.Core.Workloads.Synthetic;

/// <summary>What a <see cref="PatternStream"/> makes of its page numbers.</summary>
/// <param name="Start">The region's first address.</param>
/// <param name="Accesses">References in all.</param>
/// <param name="RunLength">Longest run of references to one page; each run's length is drawn from 1 to this, 1 to 1,024.</param>
/// <param name="StoreFraction">Share of runs that store, 0 to 1.</param>
/// <param name="Compute">Cycles computed after each run.</param>
/// <param name="Seed">Seed of the run lengths and stores.</param>
public readonly record struct PatternShape(ulong Start, long Accesses, int RunLength, double StoreFraction, long Compute, ulong Seed);

/// <summary>
/// Turns a pattern's page numbers into accesses, in constant memory and without allocating. Page numbers are drawn into the place where
/// their accesses go.
/// </summary>
public sealed class PatternStream : ISkippingStream
{
    // Knuth's linear congruential generator (MMIX): its upper bits are good enough for lengths and kinds, and cheap
    private const ulong Multiplier = 6364136223846793005;
    private const ulong Increment = 1442695040888963407;

    // eight steps at once: x -> m^8 x + (m^7 + ... + m + 1) c = m^8 x + (m^4 + 1) (m^2 + 1) (m + 1) c
    private const ulong Multiplier2 = unchecked(Multiplier * Multiplier);
    private const ulong Multiplier4 = unchecked(Multiplier2 * Multiplier2);
    private const ulong Multiplier8 = unchecked(Multiplier4 * Multiplier4);
    private const ulong Increment8 = unchecked((Multiplier4 + 1) * (Multiplier2 + 1) * (Multiplier + 1) * Increment);

    private readonly PagePattern _pattern;
    private readonly PatternShape _shape;
    private readonly ulong _storeLimit;
    private SkippedPages? _pages;
    private ulong _draws;
    private long _left;
    private bool _owesCompute;

    /// <summary>Makes a stream.</summary>
    /// <param name="pattern">Where its page numbers come from.</param>
    /// <param name="shape">What it makes of them.</param>
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
    public SkippedPages Pages => _pages ??= PagesOf(_pattern, _shape, _storeLimit);

    /// <inheritdoc/>
    public long Skippable => _shape.Compute > 0 || Pages.Count == 0 ? 0 : _left;

    /// <inheritdoc/>
    public long Skip(long accesses, out long operations)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(accesses, Skippable);
        operations = accesses;
        if (_shape.RunLength == 1)
        {
            _draws = LinearCongruence.Skip(_draws, Multiplier, Increment, (ulong)accesses);
        }
        else
        {
            accesses = SkipRuns(accesses, out operations);
        }

        _pattern.Skip(operations);
        _left -= accesses;
        return accesses;
    }

    /// <summary>Goes over as many whole runs as there are within some accesses.</summary>
    /// <returns>The accesses in them.</returns>
    private long SkipRuns(long accesses, out long runs)
    {
        ulong longest = (ulong)_shape.RunLength;
        runs = 0;
        long left = accesses;
        if (Vector512.IsHardwareAccelerated)
        {
            runs = SkipEightRuns(ref left);
        }

        while (left > 0)
        {
            ulong draw = Step(_draws);
            long count = Math.Min(1 + (long)((((draw >> 16) & 0xFFFF) * longest) >> 16), _left - (accesses - left));
            if (count > left)
            {
                break;
            }

            _draws = draw;
            left -= count;
            runs++;
        }

        return accesses - left;
    }

    /// <summary>As many eights of runs as there are accesses for, whatever the lengths of the last ones.</summary>
    private long SkipEightRuns(ref long left)
    {
        ulong longest = (ulong)_shape.RunLength;
        long most = Vector512<ulong>.Count * (long)longest;
        Vector512<ulong> draws = NextEight(_draws);
        long runs = 0;
        while (left >= most)
        {
            // between two looks at what is left, each run may be as long as can be
            Vector512<ulong> more = Vector512<ulong>.Zero;
            long eights = left / most;
            for (long i = 0; i < eights; i++)
            {
                more += (((draws >> 16) & Vector512.Create(0xFFFFUL)) * longest) >> 16;
                _draws = draws[7];
                draws = (draws * Multiplier8) + Vector512.Create(Increment8);
            }

            left -= (eights * Vector512<ulong>.Count) + (long)Vector512.Sum(more);
            runs += eights * Vector512<ulong>.Count;
        }

        return runs;
    }

    private static SkippedPages PagesOf(PagePattern pattern, PatternShape shape, ulong storeLimit)
    {
        ulong start = shape.Start & Operation.PageMask;
        return pattern.Footprint == 0
            ? SkippedPages.None
            : new SkippedPages(
                (long)pattern.Footprint,
                Loads: storeLimit < 1UL << 32,
                Stores: storeLimit > 0,
                number => start + (pattern.PageAt((ulong)number) << PageSizes.BaseShift),
                new VirtAddr(start),
                new VirtAddr(start + (pattern.Span << PageSizes.BaseShift)));
    }

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

    /// <summary>Makes accesses of page numbers, in place.</summary>
    private void EncodeSingles(Span<ulong> operations)
    {
        ulong start = _shape.Start & Operation.PageMask;
        ulong storeLimit = _storeLimit;
        int i = Vector512.IsHardwareAccelerated ? EncodeEights(operations) : 0;
        ulong draw = _draws;
        for (; i < operations.Length; i++)
        {
            draw = Step(draw);
            operations[i] = (start + (operations[i] << PageSizes.BaseShift)) | (ulong)KindOf(draw, storeLimit);
        }

        _draws = draw;
        _left -= operations.Length;
    }

    /// <summary>As many eights as there are, each in one vector.</summary>
    /// <returns>How many operations it made.</returns>
    private int EncodeEights(Span<ulong> operations)
    {
        ref ulong first = ref MemoryMarshal.GetReference(operations);
        Vector512<ulong> start = Vector512.Create(_shape.Start & Operation.PageMask);
        Vector512<ulong> storeLimit = Vector512.Create(_storeLimit);
        Vector512<ulong> draws = NextEight(_draws);
        ulong last = _draws;
        int i = 0;
        for (; i + Vector512<ulong>.Count <= operations.Length; i += Vector512<ulong>.Count)
        {
            last = draws[7];
            Vector512<ulong> pages = Vector512.LoadUnsafe(ref first, (nuint)i) << PageSizes.BaseShift;
            ((start + pages) | KindsOf(draws, storeLimit)).StoreUnsafe(ref first, (nuint)i);
            draws = (draws * Multiplier8) + Vector512.Create(Increment8);
        }

        _draws = last;
        return i;
    }

    /// <summary>
    /// Makes runs of references of page numbers, in place, until the page numbers or the references left run out; at least one if there is
    /// any.
    /// </summary>
    private int EncodeRuns(Span<ulong> operations)
    {
        int done = Vector512.IsHardwareAccelerated ? EncodeEightRuns(operations) : 0;
        ulong draw = _draws;
        ulong start = _shape.Start;
        uint longest = (uint)_shape.RunLength;
        ulong storeLimit = _storeLimit;
        long left = _left;
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

    /// <summary>As many eights of runs as there are page numbers and, whatever their lengths, references for.</summary>
    /// <returns>How many runs it made.</returns>
    private int EncodeEightRuns(Span<ulong> operations)
    {
        ref ulong first = ref MemoryMarshal.GetReference(operations);
        ulong longest = (ulong)_shape.RunLength;
        int eights = (int)Math.Min(operations.Length / Vector512<ulong>.Count, _left / (Vector512<ulong>.Count * (long)longest));
        Vector512<ulong> start = Vector512.Create(_shape.Start & Operation.PageMask);
        Vector512<ulong> storeLimit = Vector512.Create(_storeLimit);
        Vector512<ulong> draws = NextEight(_draws);
        Vector512<ulong> more = Vector512<ulong>.Zero;
        ulong last = _draws;
        int end = eights * Vector512<ulong>.Count;
        for (int i = 0; i < end; i += Vector512<ulong>.Count)
        {
            last = draws[7];
            Vector512<ulong> pages = Vector512.LoadUnsafe(ref first, (nuint)i) << PageSizes.BaseShift;
            Vector512<ulong> others = (((draws >> 16) & Vector512.Create(0xFFFFUL)) * longest) >> 16;
            ((start + pages) | (others << 2) | KindsOf(draws, storeLimit)).StoreUnsafe(ref first, (nuint)i);
            more += others;
            draws = (draws * Multiplier8) + Vector512.Create(Increment8);
        }

        _draws = last;
        _left -= end + (long)Vector512.Sum(more);
        return end;
    }

    /// <summary>
    /// An access, then the computing behind it, and so on: the accesses are made in the rear half and moved forward to their places.
    /// </summary>
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
    private static AccessKind KindOf(ulong draw, ulong storeLimit) =>
        (AccessKind)((int)AccessKind.Load + (int)(((draw >> 32) - storeLimit) >> 63));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> KindsOf(Vector512<ulong> draws, Vector512<ulong> storeLimit) =>
        Vector512.Create((ulong)AccessKind.Load) + (((draws >> 32) - storeLimit) >> 63);

    /// <summary>The eight draws after one.</summary>
    private static Vector512<ulong> NextEight(ulong draw)
    {
        Vector512<ulong> eight = Vector512<ulong>.Zero;
        for (int i = 0; i < Vector512<ulong>.Count; i++)
        {
            draw = Step(draw);
            eight = eight.WithElement(i, draw);
        }

        return eight;
    }
}
