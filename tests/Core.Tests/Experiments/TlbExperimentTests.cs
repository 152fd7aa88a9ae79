using VmSim.Core.Experiments;
using VmSim.Core.Workloads.Patterns;

namespace VmSim.Core.Tests.Experiments;

public class TlbExperimentTests
{
    // The tables of expected results come from independent programs in C++ and Python.
    [Fact]
    public void Run_EverySecondReferenceConfiguration_GivesEveryColumn() => Compare("expected.csv", every: 2);

    [Fact]
    [Trait("Category", "Long")]
    public void Run_ReferenceConfigurations_GiveEveryColumn() => Compare("expected.csv", every: 1);

    /// <summary>Three of the reference configurations with eight times the accesses.</summary>
    [Fact]
    [Trait("Category", "Long")]
    public void Run_ManyAccesses_GiveEveryColumn() => Compare("expected_main.csv", every: 1);

    private static void Compare(string file, int every)
    {
        string[] table = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "TestData", "mmu", file));
        string[] expected = [table[0], .. Chosen(table[1..], every)];
        using StreamReader reader = new(
            Path.Combine(AppContext.BaseDirectory, "TestData", "mmu", file.Replace("expected", "configs", StringComparison.Ordinal)));
        TlbConfig[] configs = [.. Chosen(TlbTable.Read(reader, file), every)];
        TlbResult[] results = new TlbResult[configs.Length];
        Parallel.For(0, configs.Length, row => results[row] = Run(configs[row]));

        using StringWriter written = new();
        TlbTable.Write(written, [.. configs.Zip(results)]);

        string[] lines = written.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(expected.Length, lines.Length);
        Assert.All(expected.Zip(lines), pair => Assert.Equal(pair.First, pair.Second));
    }

    /// <summary>The last of every so many rows.</summary>
    private static IEnumerable<T> Chosen<T>(IEnumerable<T> rows, int every) => rows.Where((_, index) => index % every == every - 1);

    private static TlbResult Run(TlbConfig config) =>
        TlbExperiment.Run(config, new StreamSource(AddressStreams.Create(config.Stream, config.Pages, config.Seed), config.Cores));
}
