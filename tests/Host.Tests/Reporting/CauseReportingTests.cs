using System.Xml.Linq;
using VmSim.Core.Reports;
using VmSim.Host.Reporting;
using VmSim.Host.Terminal;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.Reporting;

/// <summary>What a report says of whose calls and faults cost what.</summary>
public sealed class CauseReportingTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-causes-").FullName;

    private string Run => Path.Combine(_folder, "run");

    private string Trace => Path.Combine(_folder, "two\u001b[2J.vmt");

    public async Task InitializeAsync()
    {
        await File.WriteAllTextAsync(
            Trace,
            """
            # vmt 1 two pagesize 4096
            g 1 munmap libc.so.6+0x7;pool_release pool.c:212;<b>&worker pool.c:40
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
        (int code, _, string error) = await CommandRunner.RunAsync(
            "run", Trace, "--set", "machine.cores=2", "--set", "threads.placement=spread", "--out", Run, "--shootdowns");
        Assert.True(code == ExitCodes.Ok, error);
    }

    public Task DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return Task.CompletedTask;
    }

    [Theory]
    [InlineData("site", "munmap in pool_release pool.c:212", "mprotect of [anon]")]
    [InlineData("call", "munmap", "mprotect", "fault (new page)")]
    [InlineData("area", "0x7f0000000 [anon]")]
    [InlineData("file", "[anon]")]
    [InlineData("thread", "two?[2J/1")]
    [InlineData("process", "two?[2J")]
    [InlineData("core", "core 0", "core 1", "irqs taken")]
    public async Task By_AnyGrouping_RanksWithinEightyColumns(string by, params string[] expected)
    {
        (int code, string shown, _) = await CommandRunner.RunAsync("report", Run, "--by", by);
        Assert.Equal(ExitCodes.Ok, code);
        Assert.All(expected, text => Assert.Contains(text, shown, StringComparison.Ordinal));
        Assert.All(shown.Split('\n'), line => Assert.InRange(line.TrimEnd().Length, 0, Consoles.PlainWidth));
        Assert.DoesNotContain("\u001b", shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task By_Top_SaysHowManyMoreThereAre()
    {
        (_, string shown, _) = await CommandRunner.RunAsync("report", Run, "--by", "call", "--top", "1");
        Assert.Matches(@"and \d+ more; --top shows them", shown);
        (int code, _, string error) = await CommandRunner.RunAsync("report", Run, "--by", "moon");
        Assert.Equal(ExitCodes.Usage, code);
        Assert.Contains("moon", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_OfCauses_HaveEveryCause()
    {
        string causes = Path.Combine(_folder, "causes.csv");
        string folded = Path.Combine(_folder, "causes.folded");
        string flames = Path.Combine(_folder, "causes.svg");
        (int code, _, string error) = await CommandRunner.RunAsync(
            "report", Run, "--causes", causes, "--folded", folded, "--flame-graph", flames);
        Assert.True(code == ExitCodes.Ok, error);
        string[] lines = await File.ReadAllLinesAsync(causes);
        RunReport report = ReportJson.Read(File.OpenRead(Path.Combine(Run, RunFolder.ReportName)), "report.json");
        Assert.Equal(report.Causes.Count + 1, lines.Length);
        Assert.StartsWith(
            "address_space,cause,process,thread,call,object,area,site,operations,cycles,", lines[0], StringComparison.Ordinal);
        const string Site = ",munmap,[anon],0x7f0000000,munmap libc.so.6+0x7;pool_release";
        Assert.Contains(lines, line => line.Contains(Site, StringComparison.Ordinal));
        string stack = Assert.Single(await File.ReadAllLinesAsync(folded), line => line.Contains("pool_release", StringComparison.Ordinal));
        Assert.Matches(@"^two\?\[2J;<b>&worker pool\.c:40;pool_release pool\.c:212;munmap;\[anon\] \d+$", stack);
        Assert.Equal(
            report.Causes.Sum(cause => cause.Lost),
            (await File.ReadAllLinesAsync(folded)).Sum(line => long.Parse(line[(line.LastIndexOf(' ') + 1)..])));
        XDocument picture = XDocument.Load(flames);
        IEnumerable<string> titles = picture.Descendants().Where(element => element.Name.LocalName == "title").Select(title => title.Value);
        Assert.Contains(titles, title => title.StartsWith("<b>&worker pool.c:40:", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Shootdowns_InTheirFile_NameTheirCause()
    {
        string[] lines = await File.ReadAllLinesAsync(Path.Combine(Run, ListFile.Shootdowns.FileName));
        Assert.EndsWith(",first_address,process,thread,call,object,area,site,operation", lines[0], StringComparison.Ordinal);
        Assert.Contains(lines, line => line.Contains(",0x7f0000000,two?[2J,two?[2J,munmap,[anon],", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains(",mprotect,[anon],", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("\"site\": [", 1_000_000, "at most 64 are allowed")]
    [InlineData("\"area\": \"0x7f0000000\"", 0, "an address is 0x and hexadecimal digits")]
    public async Task Report_WithACauseThatIsNone_IsRefusedInASentence(string found, int frames, string message)
    {
        string report = await File.ReadAllTextAsync(Path.Combine(Run, RunFolder.ReportName));
        string[] lines = [.. report.Split('\n').Select(line => line.Trim())];
        string broken = frames > 0
            ? string.Concat(lines).Replace(found, found + string.Concat(Enumerable.Repeat("\"f\",", frames)), StringComparison.Ordinal)
            : string.Concat(lines).Replace(found, "\"area\": \"somewhere\"", StringComparison.Ordinal);
        Assert.NotEqual(string.Concat(lines), broken);
        string file = Path.Combine(_folder, "broken.json");
        await File.WriteAllTextAsync(file, broken);
        (int code, _, string error) = await CommandRunner.RunAsync("report", file, "--flame-graph", Path.Combine(_folder, "broken.svg"));
        Assert.Equal(ExitCodes.BadInput, code);
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.Single(error.Trim().Split('\n'));
    }

    [Fact]
    public async Task Report_OfARun_SaysWhereTheInterruptsComeFrom()
    {
        (_, string shown, _) = await CommandRunner.RunAsync("report", Run);
        Assert.Contains("what cost most", shown, StringComparison.Ordinal);
        Assert.Matches(@"\d+ % of the interrupts come from ", shown);
    }
}
