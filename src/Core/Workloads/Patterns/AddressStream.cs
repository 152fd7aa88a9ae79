using VmSim.Core.Statistics;
using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Core.Workloads.Patterns;

/// <summary>An endless sequence of virtual addresses, made in blocks.</summary>
public abstract class AddressStream
{
    /// <summary>First address of all streams but the sparse one, which begins at 0.</summary>
    public const ulong Base = Regions.Base;

    /// <summary>Bits of a random number that give the place within the page: a multiple of 8 bytes.</summary>
    protected const ulong OffsetMask = 0xFF8;

    /// <summary>Writes the next addresses to all of <paramref name="addresses"/>.</summary>
    public abstract void Fill(Span<ulong> addresses);
}

/// <summary>Steps of a fixed number of bytes, round and round: <c>Base + ((i * step) % bytes)</c>.</summary>
internal sealed class SteppedStream(ulong bytes, ulong step) : AddressStream
{
    private readonly ulong _step = step % bytes;
    private ulong _offset;

    /// <inheritdoc/>
    public override void Fill(Span<ulong> addresses)
    {
        ulong offset = _offset;
        for (int i = 0; i < addresses.Length; i++)
        {
            addresses[i] = Base + offset;
            offset += _step;
            offset = offset >= bytes ? offset - bytes : offset;
        }

        _offset = offset;
    }
}

/// <summary>Every page as likely as any other.</summary>
internal sealed class UniformStream(ulong pages, ulong seed) : AddressStream
{
    private SeededRandom _random = new(seed);

    /// <inheritdoc/>
    public override void Fill(Span<ulong> addresses)
    {
        SeededRandom random = _random;
        for (int i = 0; i < addresses.Length; i++)
        {
            ulong x = random.Next();
            addresses[i] = Base + (Math.BigMul(x, pages, out _) << 12) + (x & OffsetMask);
        }

        _random = random;
    }
}

/// <summary>Zipf's law with exponent 0.9; scattered, so that popular pages are not neighbours, or packed at the front.</summary>
internal sealed class ZipfStream(ulong pages, ulong seed, bool scattered) : AddressStream
{
    private const int Chunk = 256;
    private readonly ZipfTable _table = ZipfTable.Of((uint)pages);
    private SeededRandom _random = new(seed);

    /// <inheritdoc/>
    public override void Fill(Span<ulong> addresses)
    {
        Span<ulong> drawn = stackalloc ulong[Chunk];
        while (!addresses.IsEmpty)
        {
            int count = Math.Min(Chunk, addresses.Length);
            SeededRandom random = _random;
            for (int i = 0; i < count; i++)
            {
                ulong x = random.Next();
                drawn[i] = x;
                addresses[i] = Base + (x & OffsetMask);
            }

            _random = random;
            _table.Draw(drawn[..count], scattered);
            for (int i = 0; i < count; i++)
            {
                addresses[i] += drawn[i] << 12;
            }

            addresses = addresses[count..];
        }
    }
}

/// <summary>Nine of ten accesses go to 1,000 hot pages that lie 1,048 pages apart, the tenth anywhere.</summary>
internal sealed class HotColdStream(ulong pages, ulong seed) : AddressStream
{
    private const ulong HotPages = 1000;
    private const ulong HotDistance = 1048;
    private SeededRandom _random = new(seed);

    /// <inheritdoc/>
    public override void Fill(Span<ulong> addresses)
    {
        for (int i = 0; i < addresses.Length; i++)
        {
            ulong x = _random.Next();
            bool isHot = _random.Next() % 10 != 0;
            ulong page = isHot ? Math.BigMul(x, HotPages, out _) * HotDistance % pages : Math.BigMul(x, pages, out _);
            addresses[i] = Base + (page << 12) + (x & OffsetMask);
        }
    }
}

/// <summary>A working set of 2,000 neighbouring pages that jumps elsewhere every 65,536 accesses.</summary>
internal sealed class PhasesStream(ulong pages, ulong seed) : AddressStream
{
    private const int PhaseShift = 16;
    private const ulong WorkingSet = 2000;
    private SeededRandom _random = new(seed);
    private ulong _index;

    /// <inheritdoc/>
    public override void Fill(Span<ulong> addresses)
    {
        for (int i = 0; i < addresses.Length; i++)
        {
            ulong x = _random.Next();
            ulong start = Math.BigMul(SeededRandom.Mix((_index++ >> PhaseShift) + seed), pages, out _);
            ulong page = (start + Math.BigMul(x, WorkingSet, out _)) % pages;
            addresses[i] = Base + (page << 12) + (x & OffsetMask);
        }
    }
}

/// <summary>Single pages far apart, in 64 regions of 512 GiB from address 0: hard on page-table walks.</summary>
internal sealed class SparseStream(ulong pages, ulong seed) : AddressStream
{
    private SeededRandom _random = new(seed);

    /// <inheritdoc/>
    public override void Fill(Span<ulong> addresses)
    {
        for (int i = 0; i < addresses.Length; i++)
        {
            ulong x = _random.Next();
            ulong item = Math.BigMul(x, pages, out _);
            ulong page = ((item & 63) << 27) | (((item >> 6) & 63) << 18) | (((item >> 12) & 63) << 9) | (SeededRandom.Mix(item) & 511);
            addresses[i] = (page << 12) + (x & OffsetMask);
        }
    }
}
