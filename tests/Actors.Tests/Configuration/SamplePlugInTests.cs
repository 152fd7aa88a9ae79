using VmSim.Actors.Configuration;
using VmSim.Core.Checkpoints;
using VmSim.Core.Engine;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Testing;

namespace VmSim.Actors.Tests.Configuration;

/// <summary>A protocol, a backend, a format and a program of an assembly of one's own, with settings and counters.</summary>
public sealed class SamplePlugInTests
{
    private const string Own =
        """
        machine.cores = 4
        machine.page-table = "SamplePlugIns.PlainFormat, SamplePlugIns"
        memory.anonymous = "Samples.ClusterBackend, SamplePlugIns"
        shootdown.protocol = "Samples.BroadcastByHardware, SamplePlugIns"
        processes = [
          {
            program = "SamplePlugIns.StackAndHeap, SamplePlugIns"
            threads = 3
            stores = 500
            heap-fraction = 0.5
          },
          {
            program = map-touch-unmap
            threads = 3
            iterations = 20
            pages = 16
          }
        ]

        """;

    private static string List => $"plug-ins = [ \"{GuestTests.File}\" ]\n";

    [Fact]
    public void Run_EverythingOfOnesOwn_CountsWithItsOwnCounters()
    {
        RunReport report = TestWorlds.Run(Parse(Own));
        Assert.Equal(RunOutcomes.Completed, report.Outcome);
        Assert.True(report.Total("broadcastsHeard") > 0);
        Assert.Equal(report.Shootdowns.First(figure => figure.Key == "targets").Value.Sum, report.Total("broadcastsHeard"));
        Assert.True(report.Total("accesses") >= 1_500);
    }

    [Fact]
    public void Parse_SettingsOfPlugIns_AreBound()
    {
        const string Settings =
            "shootdown.protocol-settings.broadcast-cycles = 2us\nmemory.anonymous-settings {\n pages = 16\n}\nmachine.ghz = 2\n";
        RunReport plain = TestWorlds.Run(Parse(Own + "machine.ghz = 2\n"));
        ScenarioSpec spec = Parse(Own + Settings);
        Assert.Contains("broadcast-cycles = 4000 cycles", spec.Shootdown.ProtocolSettings.ToString(), StringComparison.Ordinal);
        RunReport set = TestWorlds.Run(spec);
        Assert.True(set.Total("minorFaults") < plain.Total("minorFaults"));
        Assert.NotEqual(plain.Fingerprint, set.Fingerprint);
    }

    [Theory]
    [InlineData("shootdown.protocol-settings.broadcast-cycles = 0", "broadcast-cycles: \"0\" found; allowed: 1 to 1,000,000 cycles")]
    [InlineData("shootdown.protocol-settings.broadcast-cycle = 1", "did you mean broadcast-cycles?")]
    [InlineData("shootdown.protocol-settings = 1", "shootdown.protocol-settings: a block { ... } is needed")]
    [InlineData("memory.anonymous-settings.pages = 3", "memory.anonymous-settings.pages: \"3\" found; a power of two is needed")]
    [InlineData("memory.anonymous-settings.pages = 1024", "allowed: 1 to 512 pages")]
    [InlineData("machine.page-table-settings.x = 1", "there is no such setting; there are none here")]
    public void Parse_SettingThatAPlugInDoesNotAllow_IsRefused(string setting, string expected)
    {
        ScenarioException error = Assert.Throws<ScenarioException>(() => Parse(Own + setting));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    /// <summary>A built-in protocol has no settings of its own: those of another one are not carried over to it.</summary>
    [Fact]
    public void Parse_SettingOfAnotherProtocol_IsRefused()
    {
        ScenarioException error = Assert.Throws<ScenarioException>(
            () => Parse(Own + "shootdown {\n protocol = linux\n protocol-settings.broadcast-cycles = 700\n}"));
        Assert.Contains("shootdown.protocol-settings.broadcast-cycles: there is no such setting", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void EffectiveConfiguration_OfPlugIns_RunsTheSame()
    {
        ScenarioSpec spec = Parse(Own + "shootdown.protocol-settings.stall-cycles = 77\n");
        using StringWriter text = new();
        EffectiveConfiguration.Write(spec, text);
        Assert.Contains("stall-cycles = \"77 cycles\"", text.ToString(), StringComparison.Ordinal);
        Assert.Contains("broadcast-cycles = \"600 cycles\"", text.ToString(), StringComparison.Ordinal);
        ScenarioSpec again = ScenarioLoader.Parse(text.ToString(), "effective.conf", "/", []);
        Assert.Equal(spec.Shootdown, again.Shootdown);
        Assert.Equal(TestWorlds.Run(spec).Fingerprint, TestWorlds.Run(again).Fingerprint);
    }

    [Fact]
    public void SettingList_OfAPlugIn_HasTheSettingsOfItsClasses()
    {
        IReadOnlyList<SettingList> lists = SettingList.Of(PlugInFile.Load(GuestTests.File, "here", []));
        Assert.Equal(
            ["shootdown.protocol-settings.broadcast-cycles", "shootdown.protocol-settings.stall-cycles"],
            lists.Single(list => list.Title == "Samples.BroadcastByHardware, SamplePlugIns").Rows.Select(row => row.Key));
        SettingRow pages = lists.Single(list => list.Title == "Samples.ClusterBackend, SamplePlugIns").Rows.Single();
        Assert.Equal(("memory.anonymous-settings.pages", "4 pages", "1 to 512 pages"), (pages.Key, pages.Default, pages.Allowed));
        Assert.Contains(lists, list => list.Title == "SamplePlugIns.StackAndHeap, SamplePlugIns");
        Assert.Contains(lists, list => list.Title == "SamplePlugIns.AddressListImporter, SamplePlugIns");
    }

    [Fact]
    public void Checkpoint_OfPlugIns_GoesOnAsIfNothingHadHappened()
    {
        ScenarioSpec whole = Parse(Own);
        using World first = new(whole with { Until = 100_000 }, check: true);
        new SequentialEngine(first).Run();
        using MemoryStream saved = new();
        Checkpoint.Save(first, saved);
        saved.Position = 0;
        using World second = new(whole, check: true);
        Checkpoint.Restore(second, saved);
        bool finished = new SequentialEngine(second).Run();
        Assert.Equal(TestWorlds.Run(whole).Fingerprint, ReportBuilder.Build(second, finished).Fingerprint);
    }

    private static ScenarioSpec Parse(string text) => ScenarioLoader.Parse(List + text, "here", ".", []);
}
