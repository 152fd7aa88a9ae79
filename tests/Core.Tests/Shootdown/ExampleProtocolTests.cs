using CsCheck;
using VmSim.Core.Engine;
using VmSim.Core.Reports;
using VmSim.Tests.Shared;

namespace VmSim.Core.Tests.Shootdown;

public sealed class ExampleProtocolTests
{
    [Fact]
    public void Guide_ShowsTheExampleAsItIs()
    {
        string folder = Path.Combine(AppContext.BaseDirectory, "TestData", "guide");
        string code = File.ReadAllText(Path.Combine(folder, "ExampleProtocol.cs"));
        string shown = code[code.IndexOf("/// <summary>\n/// A broadcast", StringComparison.Ordinal)..].Trim();
        Assert.Contains($"```csharp\n{shown}\n```", File.ReadAllText(Path.Combine(folder, "protocols.md")), StringComparison.Ordinal);
    }

    [Fact]
    public void Example_RandomPrograms_ObeysTheChecker() => RandomPrograms.Scenario.Sample(
        scenario =>
        {
            RunReport report = Run(0);
            Assert.Equal(report.Fingerprint, Run(17).Fingerprint);
            Assert.Equal(0, report.Total("ipisSent"));

            RunReport Run(long window)
            {
                using World world = new(scenario, check: true, new ExampleProtocol());
                RunReport built = ReportBuilder.Build(world, new SequentialEngine(world, window).Run());
                Assert.True(built.Outcome != RunOutcomes.Violation, string.Join('\n', built.Findings));
                return built;
            }
        },
        iter: 40);
}
