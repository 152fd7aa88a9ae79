using System.Text;
using VmSim.Actors.Configuration;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Paging;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Core.Shootdown;
using VmSim.Core.Traces;
using VmSim.Core.Traces.Import;
using VmSim.Core.Workloads;
using VmSim.Testing;

namespace VmSim.Actors.Tests.Configuration;

/// <summary>
/// Built-in classes, compiled letter by letter into an assembly that is loaded as a user's is: all that they use is public, and they do
/// the same there.
/// </summary>
public sealed class GuestTests
{
    private const string Load =
        "\nprocesses = [\n {\n program = map-touch-unmap\n threads = 4\n iterations = 20\n pages = 16\n },"
        + "\n {\n program = compaction\n }\n]";

    private const string Common = "machine.cores = 8\nuntil = 400us\nshootdown.hypothetical = on\n";

    public static string File { get; } = Path.Combine(AppContext.BaseDirectory, "plug-ins", "SamplePlugIns.dll");

    public static TheoryData<string> Protocols => [.. ShootdownProtocols.All.Names];

    public static TheoryData<string> Programs => [.. ProgramKinds.All.Names];

    public static TheoryData<string, string> Logs => new()
    {
        { "lackey", "forkcow.l.5678.gz" },
        { "strace", "mt.strace.gz" },
        { "perf", "faults.perf" },
        { "drmemtrace", "accesses.drmemtrace" },
        { "champsim", "instructions.champsim" },
    };

    [Theory]
    [MemberData(nameof(Protocols))]
    public void Run_ProtocolOfAGuest_GivesTheSameFingerprint(string name)
    {
        Type type = ShootdownProtocols.All.Find(name)!.GetType();
        SameRun("shootdown.protocol", name, type);
    }

    [Theory]
    [InlineData(MemoryBackends.Lazy)]
    [InlineData(MemoryBackends.Populate)]
    [InlineData(MemoryBackends.Guard)]
    public void Run_BackendOfAGuest_GivesTheSameFingerprint(string name)
    {
        Type type = MemoryBackends.All.Find(name)!.Instance!.GetType();
        SameRun("memory.anonymous", name, type);
    }

    [Theory]
    [InlineData("aarch64")]
    [InlineData("loongarch64")]
    public void Run_FormatOfAGuest_GivesTheSameFingerprint(string name)
    {
        Type type = PageTableFormats.All.Find(name)!.GetType();
        SameRun("machine.page-table", name, type);
    }

    [Theory]
    [MemberData(nameof(Programs))]
    public void Run_ProgramOfAGuest_GivesTheSameFingerprint(string name)
    {
        ProgramKind kind = ProgramKinds.All.Find(name)!;
        ScenarioSpec own = ScenarioLoader.Parse($"{Common}processes = [\n {{\n name = p\n program = {name}\n }}\n]", "here", ".", []);

        // The kind's defaults may be others than the class's, so that each setting is written.
        using StringWriter text = new();
        EffectiveConfiguration.Write(own, text);
        string guest = text.ToString().Replace($"program = {name}\n", $"program = {Guest(kind.SettingsType)}\n", StringComparison.Ordinal);
        Assert.Equal(TestWorlds.Run(own).Fingerprint, Run(List + guest).Fingerprint);
    }

    [Theory]
    [MemberData(nameof(Logs))]
    public void Import_ImporterOfAGuest_WritesTheSameTrace(string name, string log)
    {
        PlugInSet plugIns = new([PlugInFile.Load(File, "here", [])]);
        ITraceImporter own = TraceImporters.All.Find(name)!;
        ITraceImporter guest = TraceImporters.All.Require($"{own.GetType().FullName}, SamplePlugIns", "here", plugIns);
        Assert.NotEqual(own.GetType(), guest.GetType());
        Assert.Equal(Import(own, log), Import(guest, log));
    }

    private static string List => $"plug-ins = [ \"{File}\" ]\n";

    private static string Guest(Type type) => $"\"{type.FullName}, SamplePlugIns\"";

    private static void SameRun(string key, string name, Type type)
    {
        RunReport expected = Run($"{Common}{key} = {name}{Load}");
        Assert.Equal(expected.Fingerprint, Run($"{List}{Common}{key} = {Guest(type)}{Load}").Fingerprint);
    }

    private static RunReport Run(string text) => TestWorlds.Run(ScenarioLoader.Parse(text, "here", ".", []));

    private static string Import(ITraceImporter importer, string log)
    {
        using Stream stream = TraceStreams.Unpack(Open(log));
        using MemoryStream output = new();
        using (VmtTextWriter writer = new(output))
        {
            importer.Import(stream, writer, new ImportOptions { File = log });
        }

        return Encoding.UTF8.GetString(output.ToArray());
    }

    private static Stream Open(string log) => log switch
    {
        "faults.perf" => new MemoryStream(
            " 1/2  100.000001:  page-faults:u:     7f0000001234\n 1/3  100.000002:  page-faults:u:     7f0000002234\n"u8.ToArray()),
        "accesses.drmemtrace" => new MemoryStream(
            [.. Record(24, 0, 77), .. Record(22, 0, 77), .. Record(10, 4, 0x401000), .. Record(0, 8, 0x500000), .. Record(1, 8, 0x500010)]),
        "instructions.champsim" => new MemoryStream(new byte[128]),
        _ => System.IO.File.OpenRead(Path.Combine(AppContext.BaseDirectory, "TestData", "logs", log)),
    };

    /// <summary>A record of drmemtrace: type, size and value.</summary>
    private static byte[] Record(ushort type, ushort size, ulong value) =>
        [.. BitConverter.GetBytes(type), .. BitConverter.GetBytes(size), .. BitConverter.GetBytes(value)];
}
