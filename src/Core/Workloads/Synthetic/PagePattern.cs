using VmSim.Core.Statistics;

namespace VmSim.Core.Workloads.Synthetic;

/// <summary>An endless sequence of page numbers, relative to the first page of a region, made in blocks.</summary>
public abstract class PagePattern
{
    /// <summary>Page numbers below which a sparse pattern stays: 64 regions of 512 GiB, 32 TiB in all.</summary>
    public const ulong SparsePages = 64UL << 27;

    /// <summary>Writes the next page numbers to all of <paramref name="block"/>.</summary>
    public abstract void Fill(Span<ulong> block);

    /// <summary>
    /// How many pages it uses at most, if it says so: those of <see cref="PageAt"/>. 0 if it does not, and then nobody skips any of it.
    /// </summary>
    public virtual ulong Footprint => 0;

    /// <summary>A page number above all that it uses, where it says which it uses.</summary>
    public virtual ulong Span => Footprint;

    /// <summary>One of the pages that it uses.</summary>
    /// <param name="index">0 to <see cref="Footprint"/> - 1.</param>
    public virtual ulong PageAt(ulong index) => index;

    /// <summary>Goes over page numbers as if they had been written.</summary>
    /// <param name="count">How many.</param>
    public virtual void Skip(long count)
    {
        Span<ulong> block = stackalloc ulong[256];
        for (; count > 0; count -= block.Length)
        {
            Fill(block[..(int)Math.Min(count, block.Length)]);
        }
    }
}

/// <summary>Page after page at a fixed step, each used a fixed number of times; 64 times is a walk in steps of 64 bytes.</summary>
internal sealed class SteppedPattern(ulong pages, ulong step, int uses) : PagePattern
{
    private ulong _page;
    private int _used;

    /// <inheritdoc/>
    public override void Fill(Span<ulong> block)
    {
        for (int i = 0; i < block.Length;)
        {
            int count = Math.Min(uses - _used, block.Length - i);
            block.Slice(i, count).Fill(_page);
            i += count;
            _used += count;
            if (_used == uses)
            {
                _used = 0;
                _page = (_page + step) % pages;
            }
        }
    }

    /// <inheritdoc/>
    public override ulong Footprint => pages;

    /// <inheritdoc/>
    public override void Skip(long count)
    {
        long used = _used + count;
        _used = (int)(used % uses);
        _page = (ulong)((_page + ((UInt128)step * (ulong)(used / uses))) % pages);
    }
}

/// <summary>Every page as likely as any other.</summary>
internal sealed class UniformPattern(ulong pages, ulong seed) : PagePattern
{
    private SeededRandom _random = new(seed);

    /// <inheritdoc/>
    public override void Fill(Span<ulong> block)
    {
        SeededRandom random = _random;
        for (int i = 0; i < block.Length; i++)
        {
            block[i] = random.Below(pages);
        }

        _random = random;
    }

    /// <inheritdoc/>
    public override ulong Footprint => pages;

    /// <inheritdoc/>
    public override void Skip(long count) => _random.Skip((ulong)count);
}

/// <summary>Zipf's law with exponent 0.9; scattered, so that popular pages are not neighbours, or packed at the front.</summary>
internal sealed class ZipfPattern : PagePattern
{
    private readonly ZipfTable _table;
    private readonly uint _count;
    private readonly bool _isScattered;
    private SeededRandom _random;

    public ZipfPattern(ulong pages, ulong seed, bool scattered)
    {
        _count = (uint)Math.Min(pages, 1 << 24);
        _table = ZipfTable.Of(_count);
        _random = new SeededRandom(seed);
        _isScattered = scattered;
    }

    /// <inheritdoc/>
    public override void Fill(Span<ulong> block)
    {
        SeededRandom random = _random;
        for (int i = 0; i < block.Length; i++)
        {
            block[i] = random.Next();
        }

        _random = random;
        _table.Draw(block, _isScattered);
    }

    /// <inheritdoc/>
    public override ulong Footprint => _count;

    /// <inheritdoc/>
    public override void Skip(long count) => _random.Skip((ulong)count);
}

/// <summary>Nine of ten accesses go to 1,000 hot pages that lie 1,048 pages apart, the tenth anywhere.</summary>
internal sealed class HotColdPattern(ulong pages, ulong seed) : PagePattern
{
    private const ulong HotPages = 1000;
    private const ulong HotDistance = 1048;
    private SeededRandom _random = new(seed);

    /// <inheritdoc/>
    public override void Fill(Span<ulong> block)
    {
        for (int i = 0; i < block.Length; i++)
        {
            ulong place = _random.Next();
            bool isHot = _random.Next() % 10 != 0;
            block[i] = isHot ? Math.BigMul(place, HotPages, out _) * HotDistance % pages : Math.BigMul(place, pages, out _);
        }
    }

    /// <inheritdoc/>
    public override ulong Footprint => pages;

    /// <inheritdoc/>
    public override void Skip(long count) => _random.Skip(2 * (ulong)count);
}

/// <summary>All pages once in a drawn order, again and again: each step is known only when the last is done. The order is that of a
/// full-period linear congruential sequence, so that it takes no memory.</summary>
internal sealed class PointerChasePattern : PagePattern
{
    private readonly ulong _pages;
    private readonly ulong _mask;
    private readonly ulong _multiplier;
    private readonly ulong _increment;
    private ulong _page;

    public PointerChasePattern(ulong pages, ulong seed)
    {
        _pages = pages;
        _mask = System.Numerics.BitOperations.RoundUpToPowerOf2(pages) - 1;

        // a multiplier of 1 modulo 4 and an odd increment give the full period (Hull and Dobell, 1962)
        _multiplier = (SeededRandom.Mix(seed) & ~7UL) | 5;
        _increment = SeededRandom.Mix(seed + 1) | 1;
        _page = 0;
    }

    /// <inheritdoc/>
    public override void Fill(Span<ulong> block)
    {
        for (int i = 0; i < block.Length; i++)
        {
            block[i] = _page;
            do
            {
                _page = ((_page * _multiplier) + _increment) & _mask;
            }
            while (_page >= _pages);
        }
    }

    /// <inheritdoc/>
    public override ulong Footprint => _pages;

    /// <inheritdoc/>
    public override void Skip(long count)
    {
        if (_pages == _mask + 1)
        {
            _page = LinearCongruence.Skip(_page, _multiplier, _increment, (ulong)count) & _mask;
            return;
        }

        // what lies beyond the last page is drawn and left out, but after as many steps as there are pages all begins anew
        base.Skip(count % (long)_pages);
    }
}

/// <summary>A working set of 2,000 neighbouring pages that jumps elsewhere every 65,536 accesses.</summary>
internal sealed class PhasesPattern(ulong pages, ulong seed) : PagePattern
{
    private const int PhaseShift = 16;
    private const ulong WorkingSet = 2000;
    private SeededRandom _random = new(seed);
    private ulong _index;

    /// <inheritdoc/>
    public override void Fill(Span<ulong> block)
    {
        for (int i = 0; i < block.Length; i++)
        {
            ulong start = Math.BigMul(SeededRandom.Mix((_index++ >> PhaseShift) + seed), pages, out _);
            block[i] = (start + _random.Below(WorkingSet)) % pages;
        }
    }

    /// <inheritdoc/>
    public override ulong Footprint => pages;

    /// <inheritdoc/>
    public override void Skip(long count)
    {
        _index += (ulong)count;
        _random.Skip((ulong)count);
    }
}

/// <summary>Single pages far apart, in 64 regions of 512 GiB: hard on page-table walks.</summary>
internal sealed class SparsePattern(ulong pages, ulong seed) : PagePattern
{
    private SeededRandom _random = new(seed);

    /// <inheritdoc/>
    public override void Fill(Span<ulong> block)
    {
        for (int i = 0; i < block.Length; i++)
        {
            block[i] = PageOf(_random.Below(pages));
        }
    }

    /// <inheritdoc/>
    public override ulong Footprint => pages;

    /// <inheritdoc/>
    public override ulong Span => SparsePages;

    /// <inheritdoc/>
    public override ulong PageAt(ulong index) => PageOf(index);

    /// <inheritdoc/>
    public override void Skip(long count) => _random.Skip((ulong)count);

    private static ulong PageOf(ulong item) =>
        ((item & 63) << 27) | (((item >> 6) & 63) << 18) | (((item >> 12) & 63) << 9) | (SeededRandom.Mix(item) & 511);
}
