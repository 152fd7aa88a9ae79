using CsCheck;
using VmSim.Core.Shootdown;
using VmSim.Testing;

namespace VmSim.Core.Tests.Shootdown;

/// <summary>The example of the guide keeps the contract, as what is written after it will.</summary>
public sealed class ExampleProtocolTests : ShootdownProtocolContract
{
    /// <inheritdoc/>
    protected override IEnumerable<IShootdownProtocol> Subjects => [new ExampleProtocol()];

    [Fact]
    public void Guide_ShowsTheExampleAsItIs()
    {
        string folder = Path.Combine(AppContext.BaseDirectory, "TestData", "guide");
        string code = File.ReadAllText(Path.Combine(folder, "ExampleProtocol.cs"));
        string shown = code[code.IndexOf("/// <summary>\n/// A broadcast", StringComparison.Ordinal)..].Trim();
        Assert.Contains($"```csharp\n{shown}\n```", File.ReadAllText(Path.Combine(folder, "protocols.md")), StringComparison.Ordinal);
    }

    [Fact]
    public void Example_RandomPrograms_InterruptsNobody() => RandomPrograms.Scenario.Sample(
        scenario => Assert.Equal(0, TestWorlds.Run(scenario, protocol: new ExampleProtocol()).Total("ipisSent")),
        iter: 40);
}
