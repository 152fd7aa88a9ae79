using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.PlugIns;

/// <summary>What the guides show is what the tests compile and run.</summary>
public sealed class GuideTests
{
    [Theory]
    [InlineData("BroadcastByHardware.cs", "protocols.md")]
    [InlineData("ClusterBackend.cs", "backends.md")]
    [InlineData("PlainFormat.cs", "page-tables.md")]
    [InlineData("AddressListImporter.cs", "plug-ins.md")]
    [InlineData("StackAndHeap.cs", "plug-ins.md")]
    public void Guide_ShowsTheExampleAsItIs(string file, string page)
    {
        string code = File.ReadAllText(CommandRunner.At($"tests/PlugIns/{file}"));
        string shown = code[code.IndexOf("/// <summary>", StringComparison.Ordinal)..].Trim();
        Assert.Contains($"```csharp\n{shown}\n```", File.ReadAllText(CommandRunner.At($"docs/{page}")), StringComparison.Ordinal);
    }
}
