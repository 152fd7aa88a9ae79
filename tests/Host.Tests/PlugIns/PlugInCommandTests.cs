using VmSim.Host.Terminal;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.PlugIns;

/// <summary><c>vmsim list</c> and <c>vmsim import</c> with an assembly of one's own.</summary>
public sealed class PlugInCommandTests : IDisposable
{
    private const StringComparison Exact = StringComparison.Ordinal;
    private const string Importer = "SamplePlugIns.AddressListImporter, SamplePlugIns";

    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-plug-in-").FullName;

    private static string Sample { get; } = Path.Combine(AppContext.BaseDirectory, "plug-ins", "SamplePlugIns.dll");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("protocols", "Samples.BroadcastByHardware", "linux")]
    [InlineData("backends", "Samples.ClusterBackend", "lazy")]
    [InlineData("page-tables", "SamplePlugIns.PlainFormat", "x86-64")]
    [InlineData("programs", "SamplePlugIns.StackAndHeap", "compaction")]
    [InlineData("importers", "SamplePlugIns.AddressListImporter", "lackey")]
    public async Task List_WithAPlugIn_HasItsClassesAfterTheBuiltInOnes(string kind, string own, string builtIn)
    {
        string plain = await OutputAsync("list", kind);
        string both = await OutputAsync("list", kind, "--plug-in", Sample);
        Assert.DoesNotContain(own, plain, Exact);
        Assert.Contains(builtIn, both, Exact);
        Assert.Contains($"{own},", both, Exact);
    }

    [Fact]
    public async Task ListSettings_WithAPlugInOrAScenario_HasThoseThatItBringsAlong()
    {
        string scenario = Path.Combine(_folder, "mine.conf");
        await File.WriteAllTextAsync(scenario, $"plug-ins = [ \"{Sample}\" ]\nprocesses = []");
        string given = await OutputAsync("list", "settings", "--plug-in", Sample);
        Assert.Contains("shootdown.protocol-settings.broadcast-cycles", given, Exact);
        Assert.Contains("memory.anonymous-settings.pages", given, Exact);
        Assert.Contains("access-bytes", given, Exact);
        Assert.Equal(given, await OutputAsync("list", "settings", "--scenario", scenario));
        string all = await OutputAsync("list", "settings");
        Assert.Contains("machine.cores", all, Exact);
        Assert.DoesNotContain("access-bytes", all, Exact);
    }

    [Fact]
    public async Task Import_ClassOfAPlugIn_WritesATrace()
    {
        string log = Path.Combine(_folder, "list.log");
        string trace = Path.Combine(_folder, "list.vmt");
        await File.WriteAllTextAsync(log, "0 W 7f0000001000\n0 R 7f0000001008\nnonsense\n1 R 7f0000002000\n");
        (int code, _, string error) = await CommandRunner.RunAsync(
            "import", "class", Importer, log, "--plug-in", Sample, "--set", "access-bytes=4", "-o", trace);
        Assert.Equal(ExitCodes.Ok, code);
        Assert.Contains("nonsense", error, Exact);
        (int ran, string output, string failure) = await CommandRunner.RunAsync("run", trace, "--threads", "1");
        Assert.True(ran == ExitCodes.Ok, failure);
        Assert.Contains("minor", output, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData(Importer, "access-bytes=0", "--set access-bytes: \"0\" found; allowed: 1 to 4,096")]
    [InlineData(Importer, "bytes=1", "--set bytes: there is no such setting")]
    [InlineData(Importer, "bytes", "--set bytes: key=value is needed")]
    [InlineData("SamplePlugIns.Importer, SamplePlugIns", "bytes=1", "has no class SamplePlugIns.Importer; of this kind it has")]
    [InlineData("Samples.ClusterBackend, SamplePlugIns", "bytes=1", "is no importer: it does not implement")]
    public async Task Import_ClassOrSettingThatIsNone_IsRefused(string name, string set, string expected)
    {
        string log = Path.Combine(_folder, "list.log");
        await File.WriteAllTextAsync(log, "0 W 7f0000001000\n");
        (int code, _, string error) = await CommandRunner.RunAsync(
            "import", "class", name, log, "--plug-in", Sample, "--set", set, "-o", Path.Combine(_folder, "list.vmt"));
        Assert.True(code is ExitCodes.BadInput or ExitCodes.Usage, error);
        Assert.Contains(expected, error, Exact);
        Assert.DoesNotContain("   at ", error, Exact);
    }

    [Fact]
    public async Task Import_ClassThatThrows_IsNamed()
    {
        string log = Path.Combine(_folder, "list.log");
        await File.WriteAllTextAsync(log, "something");
        (int code, _, string error) = await CommandRunner.RunAsync(
            "import", "class", "SamplePlugIns.Flawed.ThrowsWhenImporting, SamplePlugIns", log, "--plug-in", Sample, "-o", log + ".vmt");
        Assert.Equal(ExitCodes.Internal, code);
        Assert.Contains("failed in SamplePlugIns.Flawed.ThrowsWhenImporting.Import: InvalidOperationException: not today", error, Exact);
    }

    private static async Task<string> OutputAsync(params string[] args)
    {
        (int code, string output, string error) = await CommandRunner.RunAsync(args);
        Assert.True(code == ExitCodes.Ok, error);
        return output;
    }
}
