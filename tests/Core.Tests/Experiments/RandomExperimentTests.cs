using CsCheck;
using VmSim.Core.Experiments;
using VmSim.Core.Workloads.Patterns;

namespace VmSim.Core.Tests.Experiments;

public class RandomExperimentTests
{
    private const int Accesses = 3000;

    private static readonly Gen<(int Entries, int Ways, string Policy)> Array =
        from policy in Pick("lru", "fifo", "plru")
        from ways in policy == "plru" ? Pick(0, 1, 2, 4, 8, 16, 32, 64) : Gen.Int[0, 40]
        from sets in Gen.Int[1, 20]
        select (ways == 0 ? 16 : ways * sets, ways, policy);

    private static readonly Gen<TlbConfig> Config =
        from stream in Pick(AddressStreams.All.Names.ToArray())
        from pages in Gen.Long[1, 20_000]
        from seeds in Gen.Select(Gen.ULong, Gen.ULong)
        from cores in Gen.Int[1, 5]
        from first in Array
        from large in Array
        from second in Array
        from psc in Gen.Select(Gen.Int[0, 20], Gen.Int[0, 5], Gen.Int[0, 5])
        from huge in Pick(0, 0, 30, 100)
        from every in Gen.Select(Pick(0, 7, 100), Pick(0, 11, 500))
        from latency in Gen.Select(Gen.Int[0, 9], Gen.Int[0, 9], Gen.Int[0, 9], Gen.Int[0, 99])
        select new TlbConfig
        {
            Stream = stream,
            Accesses = Accesses,
            Seed = seeds.Item1,
            Pages = pages,
            Cores = cores,
            Entries4K = first.Entries,
            Ways4K = first.Ways,
            Entries2M = first.Policy == "plru" ? 2 * first.Ways : large.Entries,
            Ways2M = first.Policy == "plru" ? first.Ways : large.Ways,
            FirstPolicy = first.Policy,
            SecondEntries = second.Entries,
            SecondWays = second.Ways,
            SecondPolicy = second.Policy,
            PdeEntries = psc.Item1,
            PdpteEntries = psc.Item2,
            Pml4eEntries = psc.Item3,
            HugePercent = huge,
            HugeSeed = seeds.Item2,
            InvalidateEvery = every.Item1,
            FlushEvery = every.Item2,
            FirstCycles = latency.Item1,
            SecondCycles = latency.Item2,
            PscCycles = latency.Item3,
            ReferenceCycles = latency.Item4,
        };

    [Fact]
    public void Run_RandomConfigurations_CountAsThePlainModel() => Compare(configurations: 150);

    [Fact]
    [Trait("Category", "Long")]
    public void Run_ManyRandomConfigurations_CountAsThePlainModel() => Compare(configurations: 3_000);

    private static void Compare(int configurations) =>
        Config.Sample(
            config =>
            {
                ulong[] addresses = new ulong[Accesses];
                AddressStreams.Create(config.Stream, config.Pages, config.Seed).Fill(addresses);
                TlbResult expected = new PlainExperiment(config).Run(addresses);
                TlbResult actual = Run(config);
                Assert.Equal(expected.TablePages, actual.TablePages);
                Assert.Equal(expected with { TablePages = [] }, actual with { TablePages = [] });
            },
            iter: configurations);

    [Fact]
    public void Run_RandomPolicy_DependsOnTheSeedAlone()
    {
        TlbConfig config = new() { Stream = "uniform", Accesses = 20_000, Pages = 3000, FirstPolicy = "random", SecondPolicy = "random" };
        TlbResult result = Run(config);

        Assert.Equal(result.OutcomeHash, Run(config).OutcomeHash);
        Assert.InRange(result.FirstHits4K, 200, 700);
        Assert.InRange(result.SecondHits4K, 5000, 12_000);
    }

    [Fact]
    public void Run_Cancelled_Ends()
    {
        using CancellationTokenSource cancelled = new();
        cancelled.Cancel();
        TlbConfig config = new() { Stream = "seq64", Accesses = 10_000_000 };

        Assert.Throws<OperationCanceledException>(() => TlbExperiment.Run(
            config, new StreamSource(AddressStreams.Create("seq64", 10, 1), 1), null, cancelled.Token));
    }

    private static Gen<T> Pick<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(index => values[index]);

    private static TlbResult Run(TlbConfig config) =>
        TlbExperiment.Run(config, new StreamSource(AddressStreams.Create(config.Stream, config.Pages, config.Seed), config.Cores));
}
