using VmSim.Core.Experiments;
using VmSim.Core.Workloads.Patterns;

namespace VmSim.Core.Tests.Experiments;

public class TlbExperimentTests
{
    // The tables of expected results come from independent programs in C++ and Python.
    [Theory]
    [InlineData("expected.csv")]
    [InlineData("expected_main.csv")]
    public void Run_ReferenceConfigurations_GiveEveryColumn(string file)
    {
        string[] expected = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "TestData", "mmu", file));
        using StreamReader reader = new(Path.Combine(AppContext.BaseDirectory, "TestData", "mmu", file.Replace("expected", "configs", StringComparison.Ordinal)));
        IReadOnlyList<TlbConfig> configs = TlbTable.Read(reader, file);
        TlbResult[] results = new TlbResult[configs.Count];
        Parallel.For(0, configs.Count, row => results[row] = Run(configs[row]));

        using StringWriter written = new();
        TlbTable.Write(written, [.. configs.Zip(results)]);

        string[] lines = written.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(expected.Length, lines.Length);
        Assert.All(expected.Zip(lines), pair => Assert.Equal(pair.First, pair.Second));
    }

    private static TlbResult Run(TlbConfig config) =>
        TlbExperiment.Run(config, new StreamSource(AddressStreams.Create(config.Stream, config.Pages, config.Seed), config.Cores));
}
