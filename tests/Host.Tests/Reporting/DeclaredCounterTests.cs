using System.Globalization;
using System.Text.Json;
using VmSim.Core.Engine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;
using VmSim.Core.VirtualTime;
using VmSim.Host.Reporting;
using VmSim.Host.Tests.CommandLine;
using VmSim.Testing;

namespace VmSim.Host.Tests.Reporting;

/// <summary>One line declares a counter: it counts, and every output has it with its name, unit and sentence.</summary>
public sealed class DeclaredCounterTests
{
    [Fact]
    public void Declare_OneLine_IsInEveryOutput()
    {
        RunReport report = Run();
        long orders = report.Total("orders");
        Assert.Equal(report.Total("invalidationsHandled") + report.Total("localInvalidations"), orders);
        Assert.True(orders > 0);

        string line = RunFolder.Statistics(report).Split('\n').Single(line => line.StartsWith("orders ", StringComparison.Ordinal));
        Assert.Equal(
            [
                "orders",
                orders.ToString(CultureInfo.InvariantCulture),
                "invalidations",
                "Invalidations",
                "that",
                "came",
                "to",
                "the",
                "core.",
            ],
            line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        using MemoryStream json = new();
        ReportJson.Write(report, json);
        json.Position = 0;
        using JsonDocument document = JsonDocument.Parse(json);
        Assert.Equal(orders, document.RootElement.GetProperty("totals").GetProperty("orders").GetInt64());
        Assert.Equal(
            orders,
            document.RootElement.GetProperty("cores").EnumerateArray()
                .Sum(core => core.GetProperty("counters").GetProperty("orders").GetInt64()));

        json.Position = 0;
        RunReport read = ReportJson.Read(json, "report.json");
        Assert.Equal(orders, read.Total("orders"));
        Assert.Equal(report.Fingerprint, ReportFingerprint.Of(read));
    }

    [Fact]
    public void Statistics_OfEveryRun_SayWhatEachCounterIs()
    {
        string[] lines = RunFolder.Statistics(Run()).Split('\n');
        Assert.All(CounterCatalog.BuiltIn.Totals, counter =>
        {
            string line = Assert.Single(lines, line => line.StartsWith(counter.Name + " ", StringComparison.Ordinal));
            Assert.Contains(counter.Unit, line, StringComparison.Ordinal);
            Assert.EndsWith(counter.Summary, line, StringComparison.Ordinal);
            Assert.EndsWith(".", counter.Summary, StringComparison.Ordinal);
        });
    }

    /// <summary>docs/counters.md is what the declarations say. VMSIM_UPDATE_DOCS=1 writes it anew.</summary>
    [Fact]
    public void CountersPage_IsCurrent()
    {
        using StringWriter text = new();
        CountersReference.Write(text);
        string page = Path.Combine(CommandRunner.Root, "docs", "counters.md");
        if (Environment.GetEnvironmentVariable("VMSIM_UPDATE_DOCS") == "1")
        {
            File.WriteAllText(page, text.ToString().ReplaceLineEndings("\n"));
        }

        Assert.Equal(File.ReadAllText(page), text.ToString().ReplaceLineEndings("\n"));
    }

    private static RunReport Run()
    {
        ThreadProgram giver = new ThreadBuilder("giver").Touch(TestWorlds.Page(0), 4).Compute(100_000).Unmap(TestWorlds.Page(0), 4).Build();
        using World world = new(TestWorlds.Scenario(2, giver, TestWorlds.Toucher("user", 0, 4)), check: true, new CountingProtocol());
        return ReportBuilder.Build(world, new SequentialEngine(world).Run());
    }

    private sealed class Counters : CounterSet<Counters>
    {
        public static readonly Counter Orders = Declare("orders", "invalidations", "Invalidations that came to the core.");
    }

    /// <summary>broadcast, which counts the invalidations of each core.</summary>
    private sealed class CountingProtocol() : ForwardingProtocol(ShootdownProtocols.All.Find("broadcast")!)
    {
        public override CoreShootdown CreateCoreHalf(ICoreShootdownContext context) => new Core(base.CreateCoreHalf(context));

        private sealed class Core(CoreShootdown real) : ForwardingCore(real)
        {
            private readonly Counters _counters = new();

            public override CounterSet? Counters => _counters;

            public override InvalidationResult OnInvalidation(in Invalidation invalidation)
            {
                _counters[DeclaredCounterTests.Counters.Orders]++;
                return base.OnInvalidation(invalidation);
            }
        }
    }
}
