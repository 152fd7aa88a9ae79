using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.PlugIns;

/// <summary>What the guides show is what the tests compile and run.</summary>
public sealed class GuideTests
{
    [Theory]
    [InlineData("samples/Protocol/BroadcastByHardware.cs", "protocols.md")]
    [InlineData("samples/Backend/ClusterBackend.cs", "backends.md")]
    [InlineData("tests/PlugIns/PlainFormat.cs", "page-tables.md")]
    [InlineData("tests/PlugIns/AddressListImporter.cs", "plug-ins.md")]
    [InlineData("tests/PlugIns/StackAndHeap.cs", "plug-ins.md")]
    public void Guide_ShowsTheExampleAsItIs(string file, string page)
    {
        string code = File.ReadAllText(CommandRunner.At(file));
        string shown = code[code.IndexOf("/// <summary>", StringComparison.Ordinal)..].Trim();
        Assert.Contains($"```csharp\n{shown}\n```", File.ReadAllText(CommandRunner.At($"docs/{page}")), StringComparison.Ordinal);
    }
}
