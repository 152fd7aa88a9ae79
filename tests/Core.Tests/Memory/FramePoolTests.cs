using CsCheck;
using VmSim.Core.Addresses;
using VmSim.Core.Memory;
using VmSim.Core.Tests.Experiments;

namespace VmSim.Core.Tests.Memory;

public sealed class FramePoolTests
{
    private const ulong Mebibyte = 1UL << 20;

    [Fact]
    public void TryAllocate_UntilFull_GivesEveryFrameOnceInOrder()
    {
        FramePool pool = new(3 * Mebibyte);
        List<ulong> frames = [];
        while (pool.TryAllocate(FrameKind.Anonymous, out PhysAddr frame))
        {
            frames.Add(frame.PageNumber);
        }

        Assert.Equal(768, frames.Count);
        Assert.Equal(Enumerable.Range(512, 768).Select(number => (ulong)number), frames);
        Assert.Equal(0, pool.Available);
        Assert.Equal(768, pool.Allocated);
        Assert.Equal(768, pool.Peak);
    }

    [Fact]
    public void Release_LastReference_FreesTheFrameForTheNext()
    {
        FramePool pool = new(Mebibyte);
        Assert.True(pool.TryAllocate(FrameKind.Anonymous, out PhysAddr frame));
        Assert.True(pool.TryShare(frame));
        Assert.Equal(2, pool.References(frame));
        pool.Release(frame);
        Assert.Equal(FrameKind.Anonymous, pool.KindOf(frame));
        pool.Release(frame);
        Assert.Equal(FrameKind.Free, pool.KindOf(frame));
        Assert.Equal(0, pool.Allocated);
        Assert.Equal((1, 1), (pool.Counters[FrameCounters.Allocated], pool.Counters[FrameCounters.Freed]));
        Assert.True(pool.TryAllocate(FrameKind.File, out PhysAddr again));
        Assert.Equal(frame, again);
        pool.Release(again);
        Assert.Throws<InvalidOperationException>(() => pool.Release(again));
    }

    [Fact]
    public void TryShare_AtTheMost_IsRefusedAndNeverWraps()
    {
        FramePool pool = new(4 * Mebibyte, maxReferences: 3);
        Assert.True(pool.TryAllocateLarge(PageSize.Size2M, FrameKind.Anonymous, out PhysAddr large));
        Assert.True(pool.TryShare(large + 4096));
        Assert.True(pool.TryShare(large, PageSize.Size2M));
        Assert.False(pool.TryShare(large, PageSize.Size2M));
        Assert.Equal((2, 3, 2), (pool.References(large), pool.References(large + 4096), pool.References(large + 8192)));
    }

    [Fact]
    public void TryAllocateLarge_AfterScatteredFrees_NeedsAWholeBlock()
    {
        FramePool pool = new(4 * Mebibyte);
        List<PhysAddr> frames = [];
        while (pool.TryAllocate(FrameKind.Anonymous, out PhysAddr frame))
        {
            frames.Add(frame);
        }

        pool.Release(frames[0]);
        Assert.False(pool.TryAllocateLarge(PageSize.Size2M, FrameKind.Anonymous, out _));
        foreach (PhysAddr frame in frames.Skip(1).Take(511))
        {
            pool.Release(frame);
        }

        Assert.True(pool.TryAllocateLarge(PageSize.Size2M, FrameKind.Anonymous, out PhysAddr large));
        Assert.Equal(frames[0], large);
        Assert.True(pool.IsUnshared(large, PageSize.Size2M));
        Assert.Equal(1024, pool.Allocated);
    }

    [Fact]
    public void TryAllocateLarge_OneGibibyte_IsAlignedAndReusable()
    {
        FramePool pool = new(3UL << 30, new PhysAddr(1UL << 40));
        Assert.True(pool.TryAllocate(FrameKind.Anonymous, out PhysAddr small));
        Assert.True(pool.TryAllocateLarge(PageSize.Size1G, FrameKind.Anonymous, out PhysAddr first));
        Assert.Equal(0UL, first.Value & (PageSize.Size1G.Bytes() - 1));
        pool.Release(first, PageSize.Size1G.BasePages());
        Assert.True(pool.TryAllocateLarge(PageSize.Size1G, FrameKind.Anonymous, out PhysAddr second));
        Assert.Equal(first, second);
        pool.Release(second, PageSize.Size1G.BasePages());
        pool.Release(small);
        Assert.Equal(0, pool.Allocated);
    }

    [Fact]
    public void Pool_RandomUse_AgreesWithAPlainModel() =>
        Gen.Int[0, 5].Select(Gen.Int[0, 1 << 20]).Array[1, 400].Sample(steps =>
        {
            FramePool pool = new((5 * Mebibyte) + 12_288, maxReferences: 4);
            Dictionary<ulong, int> model = [];
            foreach ((int step, int pick) in steps)
            {
                Step(pool, model, step, pick);
                Assert.Equal(model.Count, pool.Allocated);
            }

            Assert.All(model, pair => Assert.Equal(pair.Value, pool.References(PhysAddr.OfPage(pair.Key))));
            Assert.Equal(pool.Counters[FrameCounters.Allocated] - pool.Counters[FrameCounters.Freed], pool.Allocated);
        }, iter: 200);

    private static void Step(FramePool pool, Dictionary<ulong, int> model, int step, int pick)
    {
        List<ulong> held = [.. model.Keys.Order()];
        PhysAddr chosen = held.Count > 0 ? PhysAddr.OfPage(held[pick % held.Count]) : default;
        switch (step)
        {
            case 0 or 1:
                Assert.Equal(model.Count < pool.Capacity, pool.TryAllocate(FrameKind.Anonymous, out PhysAddr frame));
                if (frame != default)
                {
                    model.Add(frame.PageNumber, 1);
                }

                break;
            case 2 when pool.TryAllocateLarge(PageSize.Size2M, FrameKind.Anonymous, out PhysAddr large):
                Assert.Equal(0UL, large.PageNumber & 511);
                for (ulong page = 0; page < 512; page++)
                {
                    model.Add(large.PageNumber + page, 1);
                }

                break;
            case 3 when held.Count > 0:
                Assert.Equal(model[chosen.PageNumber] < 4, pool.TryShare(chosen));
                model[chosen.PageNumber] = Math.Min(4, model[chosen.PageNumber] + 1);
                break;
            case 4 or 5 when held.Count > 0:
                pool.Release(chosen);
                if (--model[chosen.PageNumber] == 0)
                {
                    model.Remove(chosen.PageNumber);
                }

                break;
            default:
                break;
        }
    }
}
