using System.Globalization;
using System.Xml.Linq;
using Parquet;
using Parquet.Schema;
using VmSim.Host.Sweeps;
using VmSim.Host.Terminal;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.Sweeps;

public sealed class SweepCommandTests : IDisposable
{
    private const StringComparison Exact = StringComparison.Ordinal;
    private static readonly string Scenario = CommandRunner.At("config/scenarios/munmap-latr.conf");
    private static readonly string[] Small = ["--set", "processes.0.iterations=3", "--set", "processes.munmap-shared.threads=2"];
    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-tests-").FullName;

    private string Out => Path.Combine(_folder, "out");

    /// <summary>A grid of cores and protocols, run twice: the second time nothing is run, and everything says the same.</summary>
    [Fact]
    public async Task Sweep_Again_RunsNothingAndSaysTheSame()
    {
        string[] command =
        [
            "sweep", Scenario, .. Small, "--cores", "1..4*2", "--protocols", "linux,latr", "--repeat", "2", "--baseline",
            "shootdown.protocol=linux", "--no-bisect", "--out", Out,
        ];
        (int code, string output, string error) = await CommandRunner.RunAsync(command);
        Assert.True(code == ExitCodes.Ok, error);
        Assert.Contains("12 runs made, 0 there before, 0 failed", output, Exact);
        Assert.Contains("Nothing in this scenario draws from the seed", output, Exact);
        Assert.Contains("| machine.cores |", output, Exact);
        CsvTable table = Table();
        Assert.Equal(12, table.Rows.Count);
        Assert.Equal(12, table.Rows.DistinctBy(row => string.Join(',', row.Take(3))).Count());
        Assert.Equal(12, Directory.GetDirectories(Path.Combine(Out, "runs")).Length);
        AssertPicture(Path.Combine(Out, "cycles.svg"), "linux", "latr");
        string page = await File.ReadAllTextAsync(Path.Combine(Out, "page.html"));
        Assert.DoesNotMatch("(?:src|href)=", page);
        Assert.Contains("12 runs; 12 count.", page, Exact);
        Assert.Contains("<figure><svg", page, Exact);
        Assert.Contains("beats", page, Exact);
        Assert.Contains("(x1.00)", page, Exact);
        await AssertParquetAsync(table);
        string[] first = Texts();

        (code, string again, _) = await CommandRunner.RunAsync(command);
        Assert.Equal(ExitCodes.Ok, code);
        Assert.Contains("0 runs made, 12 there before, 0 failed", again, Exact);
        Assert.Equal(first, Texts());
    }

    /// <summary>A point that cannot be run is named and leaves the others alone; conditions are judged for each run.</summary>
    [Fact]
    public async Task Sweep_WithAPointThatFails_KeepsTheOthers()
    {
        (int code, _, string error) = await CommandRunner.RunAsync(
            "sweep", Scenario, "--set", "processes.0.iterations=3", "--set", "processes.0.threads=1", "--vary", "machine.cores=1,2",
            "--vary", "machine.sockets=1,2", "--fail-on", "shootdowns > 0", "--metric", "shootdowns", "--out", Out);
        Assert.Equal(ExitCodes.Broken, code);
        Assert.Contains("machine.cores=1 machine.sockets=2: failed: machine.sockets: 2 found", error, Exact);
        Assert.Contains("machine.cores=2 machine.sockets=2: --fail-on shootdowns > 0: ", error, Exact);
        Assert.Equal(
            ["completed", "failed", "completed", "completed"], Table().Rows.Select(row => row[Table().Column("outcome")]));
    }

    /// <summary>Runs without a list that is asked for are made again, and keep those that they have.</summary>
    [Fact]
    public async Task Sweep_WithLists_WritesThemForEachRun()
    {
        string[] command = ["sweep", Scenario, .. Small, "--protocols", "linux,latr", "--no-bisect", "--out", Out];
        await AssertMadeAsync(2, there: 0, command);
        await AssertMadeAsync(2, there: 0, [.. command, "--lists", "shootdowns,calls"]);
        await AssertMadeAsync(0, there: 2, [.. command, "--lists", "calls"]);
        await AssertMadeAsync(2, there: 0, [.. command, "--lists", "faults"]);
        await AssertMadeAsync(0, there: 2, command);
        CsvTable table = Table();
        foreach (IReadOnlyList<string> row in table.Rows)
        {
            string run = Path.Combine(Out, row[table.Column("run")]);
            Assert.Equal(Count(row, "shootdowns"), CsvTable.Read(Path.Combine(run, "shootdowns.csv")).Rows.Count);
            Assert.Equal(
                Count(row, "minorFaults") + Count(row, "spuriousFaults"), CsvTable.Read(Path.Combine(run, "faults.csv")).Rows.Count);
            Assert.Contains(CsvTable.Read(Path.Combine(run, "calls.csv")).Rows, call => call.Contains("munmap"));
        }

        int Count(IReadOnlyList<string> row, string name) => int.Parse(row[table.Column(name)], CultureInfo.InvariantCulture);

        async Task AssertMadeAsync(int made, int there, string[] words)
        {
            (int code, string output, string error) = await CommandRunner.RunAsync(words);
            Assert.True(code == ExitCodes.Ok, error);
            Assert.Contains($"{made} runs made, {there} there before, 0 failed", output, Exact);
        }
    }

    [Fact]
    public async Task SweepFile_ListedWithoutRunning_NamesItsPoints()
    {
        string file = Path.Combine(_folder, "mine.conf");
        await File.WriteAllTextAsync(
            file,
            $"scenario = \"{Scenario}\"\nset {{ processes.0.iterations = 3 }}\nvary {{ \"shootdown.protocol\" = [linux, latr] }}\n"
            + "zip { machine.cores = \"2..4*2\"\n processes.0.threads = [2, 4] }\nseeds = 7..8\nmetrics = [cycles, latency.unmap.p99]\n"
            + "baseline { shootdown.protocol = linux }\nexpect { segmentationFaults = 0 }");
        (int code, string output, string error) = await CommandRunner.RunAsync("sweep", file, "--dry-run", "--out", Out);
        Assert.True(code == ExitCodes.Ok, error);
        Assert.Contains("to run  shootdown.protocol=latr machine.cores=4 processes.0.threads=4 seed=8", output, Exact);
        Assert.Contains("8 runs: 0 there", output, Exact);
        Assert.False(Directory.Exists(Out));
    }

    [Theory]
    [InlineData("did you mean cores?", "--vary", "machine.core=1,2")]
    [InlineData("there is no shootdown protocol \"linus\"", "--protocols", "linus,latr")]
    [InlineData("did you mean ipisSent?", "--cores", "1,2", "--metric", "ipiSent")]
    [InlineData("equally many", "--zip", "machine.cores=1,2", "--zip", "processes.0.threads=1,2,3")]
    [InlineData("varied twice", "--cores", "1,2", "--vary", "machine.cores=3")]
    [InlineData("the sweep does not vary machine.ghz", "--cores", "1,2", "--baseline", "machine.ghz=2")]
    [InlineData("--vary machine.cores: 4..1 found", "--vary", "machine.cores=4..1")]
    [InlineData("there is no list \"fault\"", "--cores", "1,2", "--lists", "fault")]
    [InlineData("there is no such process", "--vary", "processes.nobody.threads=1,2")]
    public async Task Sweep_WhatIsWrongWithAPlan_IsSaidBeforeTheFirstRun(string expected, params string[] options)
    {
        (int code, _, string error) = await CommandRunner.RunAsync(["sweep", Scenario, .. Small, .. options, "--out", Out]);
        Assert.Contains(code, new[] { ExitCodes.Usage, ExitCodes.BadInput });
        Assert.Contains(expected, error, Exact);
        Assert.False(Directory.Exists(Out));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private CsvTable Table() => CsvTable.Read(Path.Combine(Out, "table.csv"));

    private string[] Texts() =>
        [.. new[] { "table.csv", "means.csv", "summary.md", "cycles.svg" }.Select(name => File.ReadAllText(Path.Combine(Out, name)))];

    /// <summary>Well-formed, with the curves' names, and in no colour of its own but those of the curves.</summary>
    private static void AssertPicture(string file, params string[] curves)
    {
        XElement picture = XDocument.Load(file).Root!;
        string text = picture.ToString();
        Assert.All(curves, curve => Assert.Contains(picture.Descendants(), element => element.Value == curve));
        Assert.Contains("prefers-color-scheme:dark", text, Exact);
        Assert.Contains("currentColor", text, Exact);
        Assert.DoesNotContain("rgb(0,0,0)", text, Exact);
    }

    private async Task AssertParquetAsync(CsvTable table)
    {
        await using ParquetReader reader = await ParquetReader.CreateAsync(Path.Combine(Out, "table.parquet"));
        DataField[] fields = reader.Schema.GetDataFields();
        Assert.Equal(table.Names, fields.Select(field => field.Name));
        using ParquetRowGroupReader rows = reader.OpenRowGroupReader(0);
        Assert.Equal(table.Rows.Count, rows.RowCount);
    }
}
