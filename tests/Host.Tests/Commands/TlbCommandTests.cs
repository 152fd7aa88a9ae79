using System.Globalization;
using System.Xml.Linq;
using VmSim.Actors.Configuration;
using VmSim.Core.Mmu;

namespace VmSim.Host.Tests.Commands;

public sealed class TlbCommandTests : IDisposable
{
    private const string Columns = "name,stream,n,pages,l2_entries,l2_ways";
    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-tlb-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Tlb_WithoutOutput_WritesRowsInOrderToStdout()
    {
        string file = Write("c.csv", $"{Columns}\na,seq64,640,100,1536,12\nb,seqpage,50,100,0,0\n");

        (int code, string output, string error) = await RunAsync("tlb", file);

        Assert.Equal((0, ""), (code, error));
        string[] lines = output.Split('\n');
        Assert.Equal(4, lines.Length);
        Assert.StartsWith("name,stream,n,seed,pages,cores,l1_4k_entries,", lines[0], StringComparison.Ordinal);
        Assert.EndsWith(
            ",va_checksum,l1_4k_hits,l1_2m_hits,l2_4k_hits,l2_2m_hits,walks,psc_pde_hits,psc_pdpte_hits,psc_pml4e_hits,psc_none,"
            + "walk_mem_refs,faults,pt_pml4,pt_pdpt,pt_pd,pt_pt,inv_entries_dropped,cycles,outcome_hash",
            lines[0],
            StringComparison.Ordinal);

        // 10 pages: 640 accesses, 10 walks of which the first reads 4 entries and the others 1, 10 faults
        Assert.Contains(",630,0,0,0,10,9,0,0,1,13,10,1,1,1,1,0,11110,", lines[1], StringComparison.Ordinal);
        Assert.Contains(",0,0,0,0,50,49,0,0,1,53,50,1,1,1,1,0,52040,", lines[2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tlb_WithOutput_WritesTheFileAndASummary()
    {
        string file = Write("c.csv", $"{Columns}\nfirst,uniform,1000,100,1536,12\n");
        string results = Path.Combine(_folder, "r.csv");

        (int code, string output, _) = await RunAsync("tlb", file, "-o", results, "--threads", "1");
        (_, string direct, _) = await RunAsync("tlb", file);

        Assert.Equal(0, code);
        Assert.Equal(direct, await File.ReadAllTextAsync(results));
        Assert.Contains("cycles", output, StringComparison.Ordinal);
        Assert.Contains("first", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tlb_Vary_RunsEveryCombinationThatThereIs()
    {
        string file = Write("c.csv", $"{Columns}\na,uniform,1000,100,1536,12\n");
        (int code, string output, string error) = await RunAsync("tlb", file, "--vary", "l2_entries=16..64*2", "--vary", "l2_ways=4,32");
        Assert.Equal(0, code);
        string[] names = [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(line => line.Split(',')[0])];
        Assert.Equal(
            [
                "a l2_entries=16 l2_ways=4", "a l2_entries=32 l2_ways=4", "a l2_entries=32 l2_ways=32", "a l2_entries=64 l2_ways=4",
                "a l2_entries=64 l2_ways=32",
            ],
            names);
        Assert.Contains(
            "1 of 6 combinations are left out; the first is a l2_entries=16 l2_ways=32: l2_entries: found '16'; allowed is a multiple of "
                + "l2_ways, which is 32",
            error,
            StringComparison.Ordinal);
        (code, _, error) = await RunAsync("tlb", file, "--vary", "moons=1,2");
        Assert.NotEqual(0, code);
        Assert.Contains("found column 'moons'; allowed are stream, n, seed,", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tlb_TraceBesideTheTable_IsRun()
    {
        Write("t.vmt", "# vmt 1 t pagesize 4096\nt 0\nI 400 3\nR 7f000 1\n");
        string file = Write("c.csv", "name,trace\nt,t.vmt\n");

        (int code, string output, string error) = await RunAsync("tlb", file);

        Assert.Equal((0, ""), (code, error));
        Assert.Contains(",t.vmt,0x", output, StringComparison.Ordinal);
        Assert.Contains(",2,0,0,0,2,0,0,1,1,", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("stream,n\nzopf,5", 65, "c.csv, line 2, column stream: found 'zopf'; allowed is seq64, ")]
    [InlineData("trace\nnone.vmt", 65, "c.csv, row row1: there is no trace none.vmt")]
    [InlineData("stream,n,machine\nzipf,5,skylake", 65, "there is no machine profile \"skylake\"")]
    [InlineData("stream,n,machine,l1_4k_entries\nzipf,5,skylake-sp-2s,66", 65, "l1_4k_entries: found '66'; allowed is a multiple of")]
    public async Task Tlb_BadTable_SaysWhatIsWrong(string table, int expected, string message)
    {
        string file = Write("c.csv", table);

        (int code, string output, string error) = await RunAsync("tlb", file);

        Assert.Equal((expected, ""), (code, output));
        Assert.Contains(message, error, StringComparison.Ordinal);
    }

    /// <summary>Everything that is wrong with a table is said at once.</summary>
    [Fact]
    public async Task Tlb_TableWithManyFaults_NamesThemAll()
    {
        string file = Write("c.csv", "stream,n,machine,l2_ways\nzopf,-1,,\nzipf,5,nobody,x\nzipf,5\nzipf,5,,12\n");
        (int code, string output, string error) = await RunAsync("tlb", file);
        Assert.Equal((65, ""), (code, output));
        string[] lines = error.Trim().Split('\n');
        string[] expected =
        [
            "line 2, column stream: found 'zopf'", "line 2, column n: found '-1'", "there is no machine profile \"nobody\"",
            "line 3, column l2_ways: found 'x'", "line 4: found 2 fields",
        ];
        Assert.Equal(expected.Length, lines.Length);
        Assert.All(expected.Zip(lines), pair => Assert.Contains(pair.First, pair.Second, StringComparison.Ordinal));
    }

    /// <summary>A row has the arrays of a machine, and other columns change them.</summary>
    [Fact]
    public async Task Tlb_OfAMachine_HasItsArraysWhereNoColumnSaysOtherwise()
    {
        string file = Write(
            "c.csv",
            "name,stream,n,pages,machine,l2_entries\nown,uniform,3000,4000,skylake-sp-2s,\n"
                + "more,uniform,3000,4000,skylake-sp-2s,3072\n");
        (int code, string output, string error) = await RunAsync("tlb", file);
        Assert.Equal((0, ""), (code, error));
        string[][] rows = [.. output.Trim().Split('\n').Select(line => line.Split(','))];
        MmuSpec mmu = ScenarioLoader.MachineOf("skylake-sp-2s", "machine").Mmu;
        Assert.Equal($"{mmu.Second.Entries}", Field("own", "l2_entries"));
        Assert.Equal("3072", Field("more", "l2_entries"));
        Assert.Equal($"{mmu.Instruction4K.Entries}", Field("own", "l1i_4k_entries"));
        Assert.Equal("skylake-sp-2s", Field("own", "machine"));
        int[] walks = [.. new[] { "more", "own" }.Select(row => int.Parse(Field(row, "walks"), CultureInfo.InvariantCulture))];
        Assert.True(walks[0] < walks[1], $"{walks[0]} walks with more entries, {walks[1]} with fewer");

        (code, output, _) = await RunAsync("tlb", file, "--vary", "machine=zen4,u74");
        Assert.Equal(0, code);
        Assert.Contains("own machine=zen4,", output, StringComparison.Ordinal);

        string Field(string row, string column) => rows.Single(fields => fields[0] == row)[Array.IndexOf(rows[0], column)];
    }

    /// <summary>Fetches and data are counted apart.</summary>
    [Fact]
    public async Task Tlb_OfATrace_CountsFetchesApart()
    {
        Write("t.vmt", "# vmt 1 t pagesize 4096\nt 0\nI 400 3\nR 7f000 1\nI 401 1\nR 7f001 4\n");
        string file = Write("c.csv", "name,trace,l1i_4k_entries,l1i_4k_ways\nt,t.vmt,,\nnone,t.vmt,0,0\n");
        (int code, string output, string error) = await RunAsync("tlb", file);
        Assert.Equal((0, ""), (code, error));
        string[] lines = output.Trim().Split('\n');
        Assert.EndsWith(",fetches,l1_fetch_misses,fetch_walks", lines[0], StringComparison.Ordinal);
        Assert.EndsWith(",4,2,2", lines[1], StringComparison.Ordinal);
        Assert.EndsWith(",4,4,2", lines[2], StringComparison.Ordinal);
        (_, output, _) = await RunAsync("tlb", file, "-o", Path.Combine(_folder, "r.csv"), "--base", "t");
        Assert.Contains("fetch/M", output, StringComparison.Ordinal);
        Assert.Contains("walks/ki", output, StringComparison.Ordinal);
        Assert.Matches("t .* 500 k +400 k +1000.00 .* 1.00 +1.00", output);
    }

    /// <summary>A trace that lacks references which a TLB would have to see is refused, and no figure is made up.</summary>
    [Theory]
    [InlineData("l1_4k_entries,l1_4k_ways\n32,4", "l1_4k has 8 sets")]
    [InlineData("l1_4k_entries,l1_4k_ways\n64,64", "l1_4k has 1 set")]
    [InlineData("l1_4k_entries,l2_entries\n0,1500", "l2 has 125 sets")]
    [InlineData("l1i_4k_entries,l1i_4k_ways\n64,8", "l1i_4k has 8 sets")]
    [InlineData("huge_pct\n50", "huge_pct")]
    [InlineData("reach\npair", "reach")]
    [InlineData("flush_every\n50", "flush_every")]
    [InlineData("machine\nzen4", "l1_4k has 1 set")]
    public async Task Tlb_TraceFilteredForOtherSets_IsRefused(string columns, string problem)
    {
        Write("t.vmt", "# vmt 1 t pagesize 4096 filter direct-mapped sets=16 (separate I and D)\nt 0\nI 400 3\nR 7f000 1\n");
        string[] parts = columns.Split('\n');
        string file = Write("c.csv", $"name,trace,{parts[0]}\na,t.vmt,{parts[1]}\n");
        (int code, string output, string error) = await RunAsync("tlb", file);
        Assert.Equal((65, ""), (code, output));
        Assert.Contains("row a: t.vmt was recorded through a filter of 16 sets", error, StringComparison.Ordinal);
        Assert.Contains(problem, error, StringComparison.Ordinal);
        Write("t.vmt", "# vmt 1 t pagesize 4096 filter direct-mapped sets=1 (separate I and D)\nt 0\nI 400 3\nR 7f000 1\n");
        Assert.Equal(0, (await RunAsync("tlb", file)).Code);
    }

    [Fact]
    public async Task Tlb_Figure_DrawsCurvesOrBars()
    {
        string file = Write("c.csv", $"{Columns}\na,uniform,1000,100,1536,12\nb,seqpage,1000,100,1536,12\n");
        string figure = Path.Combine(_folder, "f.svg");
        string[] grid = ["--vary", "l2_entries=48..192*2", "--vary", "l2_policy=lru,fifo"];
        Assert.Equal(0, (await RunAsync(["tlb", file, .. grid, "--figure", figure])).Code);
        string curves = await File.ReadAllTextAsync(figure);
        Assert.Contains(">a l2_policy=lru<", curves, StringComparison.Ordinal);
        Assert.Contains(">l2_entries<", curves, StringComparison.Ordinal);
        Assert.Equal(0, (await RunAsync("tlb", file, "--figure", figure)).Code);
        Assert.Contains(">b<", await File.ReadAllTextAsync(figure), StringComparison.Ordinal);
        Assert.Equal("svg", XDocument.Load(figure).Root!.Name.LocalName);
        Assert.Equal(64, (await RunAsync("tlb", file, "--base", "c")).Code);
    }

    [Fact]
    public async Task Tlb_MissingFileOrFolder_IsBadInput()
    {
        string file = Write("c.csv", "stream,n\nzipf,1\n");

        Assert.Equal(65, (await RunAsync("tlb", Path.Combine(_folder, "no.csv"))).Code);
        Assert.Equal(65, (await RunAsync("tlb", file, "-o", Path.Combine(_folder, "no", "r.csv"))).Code);
        Assert.Equal(64, (await RunAsync("tlb", file, "--threads", "-1")).Code);
    }

    [Theory]
    [InlineData("patterns", "pointer-chase")]
    [InlineData("streams", "zipfpacked")]
    [InlineData("policies", "plru")]
    public async Task List_OfWhatATableNames_NamesIt(string kind, string expected)
    {
        (int code, string output, _) = await RunAsync("list", kind);

        Assert.Equal(0, code);
        Assert.Contains(expected, output, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(params string[] args)
    {
        using StringWriter output = new();
        using StringWriter error = new();
        int code = await CommandLineApp.RunAsync(args, output, error);
        return (code, output.ToString(), error.ToString());
    }

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }
}
