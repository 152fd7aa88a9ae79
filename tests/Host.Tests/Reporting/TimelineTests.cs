using System.Xml.Linq;
using Parquet;
using Parquet.Schema;
using VmSim.Host.Terminal;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.Reporting;

/// <summary>Timelines and lists of shootdowns, faults and calls, as a run writes them.</summary>
public sealed class TimelineTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-timeline-").FullName;

    private string Scenario => Path.Combine(_folder, "two.vmt");

    public async Task InitializeAsync() => await File.WriteAllTextAsync(
        Scenario,
        """
        # vmt 1 two pagesize 4096
        g 1 munmap libc.so.6+0x7;pool_release pool.c:212
        t 0
        m 7f0000000 8000 3 22 - 0
        n 11
        W 7f0000
        W 7f0001
        W 7f0002
        t 1
        W 7f0000
        R 7f0001
        I 7f0001 100000
        t 0
        I 7f0001 10000
        @ 1
        u 7f0000000 1000
        p 7f0002000 1000 1
        t 1
        R 7f0001 100000
        """);

    public Task DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return Task.CompletedTask;
    }

    [Fact]
    public async Task Timeline_OfARun_FollowsTheRulesOfPerfetto()
    {
        string file = Path.Combine(_folder, "run.pftrace");
        string[] lists = ["--calls", Path.Combine(_folder, "calls.csv"), "--shootdowns-to", Path.Combine(_folder, "downs.csv")];
        await RunAsync(["--timeline", file, .. lists]);
        PerfettoTrace trace = PerfettoTrace.Read(await File.ReadAllBytesAsync(file));
        Assert.Equal(
            ["core 0, socket 0", "core 1, socket 1", "two", "two/1"],
            trace.Slices.Select(slice => slice.Track).Distinct().Order(StringComparer.Ordinal));
        Assert.Contains(trace.Slices, slice => slice is { Track: "two", Name: "munmap", Depth: 0 });
        Assert.Contains(trace.Slices, slice => slice is { Track: "core 0, socket 0", Name: "munmap", Depth: 1 });
        Assert.Contains(trace.Slices, slice => slice is { Track: "core 1, socket 1", Name: "fault (refused)", Depth: 1 });

        // As many arrows as interrupts, each from a shootdown to a handler and back.
        int interrupts = (await File.ReadAllLinesAsync(lists[3])).Skip(1).Sum(line => int.Parse(line.Split(',')[6]));
        Assert.InRange(interrupts, 2, int.MaxValue);
        Assert.Equal(interrupts, trace.Flows.Count);
        string[][] flows = [.. trace.Flows.Values.Select(steps => steps.ToArray())];
        Assert.All(flows[..^1], steps => Assert.Equal(
            ["two shootdown", "core 1, socket 1 handles a shootdown", "two all have invalidated"], steps));
        Assert.Equal(["two/1 shootdown", "core 0, socket 0 handles a shootdown", "two/1 all have invalidated"], flows[^1]);
        Assert.Equal(
            (await File.ReadAllLinesAsync(lists[1])).Length - 1,
            trace.Slices.Count(slice => slice is { Depth: 0 } && slice.Track.StartsWith("two", StringComparison.Ordinal)
                && !slice.Name.StartsWith("fault", StringComparison.Ordinal)));
        Assert.Contains("accesses", trace.Counters.First(), StringComparison.Ordinal);
    }

    /// <summary>A timeline of some cores has these, what threads do on them, and no arrow to others.</summary>
    [Fact]
    public async Task Timeline_OfOneCore_HasItAlone()
    {
        string file = Path.Combine(_folder, "one.pftrace");
        await RunAsync("--timeline", file, "--timeline-cores", "0");
        PerfettoTrace trace = PerfettoTrace.Read(await File.ReadAllBytesAsync(file));
        Assert.Contains(trace.Slices, slice => slice is { Track: "core 0, socket 0", Name: "munmap" });
        Assert.Contains(trace.Slices, slice => slice is { Track: "two", Name: "munmap" });
        Assert.DoesNotContain(trace.Slices, slice => slice.Track.StartsWith("core 1", StringComparison.Ordinal));
        Assert.DoesNotContain(trace.Slices, slice => slice.Track == "two/1");
        Assert.Empty(trace.Flows);
    }

    [Fact]
    public async Task Timeline_AsAPicture_HasCoresAndArrows()
    {
        string file = Path.Combine(_folder, "run.svg");
        await RunAsync("--timeline", file, "--timeline-from", "10us", "--timeline-for", "40us");
        XDocument picture = XDocument.Load(file);
        string[] texts = [.. picture.Descendants().Where(part => part.Name.LocalName == "text").Select(part => part.Value)];
        Assert.Contains("core 0: two", texts);
        Assert.Contains("core 1: two/1", texts);
        Assert.Contains("handles a shootdown", texts);
        Assert.Contains(picture.Descendants(), part => part.Name.LocalName == "line" && part.Attribute("marker-end") is not null
            && part.Attribute("y1")!.Value != part.Attribute("y2")!.Value);
    }

    [Theory]
    [InlineData("run.json", "", "a timeline is a trace of Perfetto, as in run.pftrace, or a picture, as in run.svg")]
    [InlineData("run.pftrace", "--timeline-for=0", "more than 0 cycles are needed")]
    [InlineData("run.pftrace", "--timeline-cores=0-9999", "\"0-9999\" found; cores and ranges of cores from 0 to ")]
    [InlineData("run.pftrace", "--timeline-cores=1,two", "\"two\" found; cores and ranges of cores from 0 to ")]
    [InlineData("", "--timeline-cores=1", "there is no --timeline; name its file")]
    [InlineData("run.pftrace", "--timeline-from=soon", "cycles, or a time in ns, us, ms or s, are allowed")]
    [InlineData("none/run.pftrace", "", "there is no folder")]
    [InlineData("", "--timeline-for=1ms", "there is no --timeline; name its file")]
    [InlineData("run.svg", "--calls=run.svg", "--calls writes this file; name another one")]
    public async Task Timeline_AskedForWrongly_IsRefusedBeforeTheRun(string name, string more, string message)
    {
        string[] arguments =
        [
            .. name.Length == 0 ? Array.Empty<string>() : ["--timeline", Path.Combine(_folder, name)],
            .. more.Length == 0 ? [] : new[] { more.Replace("run.svg", Path.Combine(_folder, "run.svg"), StringComparison.Ordinal) },
        ];
        (int code, string shown, string error) = await CommandRunner.RunAsync(["run", Scenario, .. arguments]);
        Assert.NotEqual(ExitCodes.Ok, code);
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.Empty(shown);
    }

    [Fact]
    public async Task Lists_OfFaultsAndCalls_HaveWhoseTheyWere()
    {
        string faults = Path.Combine(_folder, "faults.csv");
        string calls = Path.Combine(_folder, "calls.csv");
        string parquet = Path.Combine(_folder, "calls.parquet");
        await RunAsync("--faults", faults, "--calls", calls);
        await RunAsync("--calls", parquet);
        string[] lines = await File.ReadAllLinesAsync(calls);
        string[] names = lines[0].Split(',');
        string unmap = Assert.Single(lines, line => line.Contains(",munmap,", StringComparison.Ordinal));
        Assert.EndsWith(
            ",0x7f0000000,4096,two,two,munmap,[anon],0x7f0000000,munmap libc.so.6+0x7;pool_release pool.c:212",
            unmap,
            StringComparison.Ordinal);
        string[] fields = unmap.Split(',');
        long Number(string column) => long.Parse(fields[Array.IndexOf(names, column)]);
        Assert.Equal(Number("end_cycles") - Number("begin_cycles"), Number("cycles"));
        Assert.InRange(Number("shootdown_wait_cycles"), 1, Number("cycles"));
        const string Fault = ",two,two,fault (new page),[anon],0x7f0000000,";
        Assert.Contains(await File.ReadAllLinesAsync(faults), line => line.EndsWith(Fault, StringComparison.Ordinal));

        await using ParquetReader reader = await ParquetReader.CreateAsync(parquet);
        Assert.Equal(names, reader.Schema.GetDataFields().Select(field => field.Name));
        using ParquetRowGroupReader rows = reader.OpenRowGroupReader(0);
        DataField column = reader.Schema.GetDataFields()[Array.IndexOf(names, "cycles")];
        long?[] cycles = new long?[lines.Length - 1];
        await rows.ReadAsync<long>(column, cycles);
        Assert.Equal(lines.Skip(1).Select(line => (long?)long.Parse(line.Split(',')[2])), cycles);
    }

    private async Task RunAsync(params string[] more)
    {
        (int code, _, string error) = await CommandRunner.RunAsync(
            ["run", Scenario, "--set", "machine.cores=2", "--set", "threads.placement=spread", .. more]);
        Assert.True(code == ExitCodes.Ok, error);
    }
}
