using VmSim.Core.Addresses;
using VmSim.Core.Shootdown;

namespace VmSim.Core.Tests.Shootdown;

public sealed class ShootdownLogTests
{
    [Fact]
    public void Begin_BeyondTheMost_CountsWhatIsLeftOut()
    {
        ShootdownLog log = new();
        foreach (int id in (int[])[1, 2, ShootdownLog.RecordsMax, ShootdownLog.RecordsMax + 1])
        {
            ShootdownRequest shootdown = Request(id, targets: 0);
            log.Begin(new SpaceId(0), shootdown);
            log.Update(shootdown);
        }

        Assert.Equal([1, 2], log.Records.Select(record => record.Id));
        Assert.Equal(2, log.LeftOut);
    }

    [Fact]
    public void Fold_ShootdownsThatAreOver_CountsThemAndKeepsOthers()
    {
        ShootdownLog log = new();
        ShootdownRequest open = Request(1, targets: 7);
        log.Begin(new SpaceId(0), open);
        for (int id = 2; !log.IsFull; id++)
        {
            ShootdownRequest over = Request(id, targets: 2);
            log.Begin(new SpaceId(0), over);
            log.Update(over);
        }

        log.Fold(id => id == 1);
        log.Update(open);
        ShootdownTally tally = log.Tally;
        Assert.Equal(7, Assert.Single(tally.Records).Targets);
        Assert.Equal(ShootdownLog.FoldCount, tally.Count);
        Assert.False(tally.IsWhole);
        Assert.Equal((ShootdownLog.FoldCount - 1, 2), (tally.Folded[0].Count, tally.Folded[0].Max));
        Assert.Equal(0, log.LeftOut);
    }

    [Fact]
    public void Log_ThatIsListed_IsNeverFull()
    {
        ShootdownLog log = new(isListed: true);
        for (int id = 1; id <= 2 * ShootdownLog.FoldCount; id++)
        {
            log.Begin(new SpaceId(0), Request(id, targets: 0));
        }

        Assert.False(log.IsFull);
        Assert.True(log.Tally.IsWhole);
    }

    [Fact]
    public void Reset_ForgetsWhatHasBegun()
    {
        ShootdownLog log = new();
        ShootdownRequest before = Request(1, targets: 1);
        log.Begin(new SpaceId(0), before);
        log.Reset();
        log.Update(before);
        ShootdownRequest after = Request(2, targets: 3);
        log.Begin(new SpaceId(0), after);
        log.Update(after);
        Assert.Equal(3, Assert.Single(log.Records).Targets);
        Assert.Equal(0, log.LeftOut);
    }

    [Fact]
    public void RefillMisses_FromManyThreads_AddUp()
    {
        RefillMisses misses = new(2);
        Parallel.For(0, 8, _ =>
        {
            for (int id = 1; id < 10_000; id++)
            {
                misses.Add(1, id, 2);
            }
        });
        misses.Add(0, ShootdownLog.RecordsMax, 1);
        Assert.All(Enumerable.Range(1, 9_999), id => Assert.Equal(16, misses.Of(1, id)));
        Assert.Equal(0, misses.Of(0, 1));
    }

    private static ShootdownRequest Request(long id, int targets) =>
        new() { Id = id, Initiator = new CoreId(0), Dead = new DeadRange(default, 1, PageSize.Size4K), Targets = targets };
}
