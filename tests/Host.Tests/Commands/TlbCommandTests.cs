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
    public async Task Tlb_BadTable_SaysWhatIsWrong(string table, int expected, string message)
    {
        string file = Write("c.csv", table);

        (int code, string output, string error) = await RunAsync("tlb", file);

        Assert.Equal((expected, ""), (code, output));
        Assert.Contains(message, error, StringComparison.Ordinal);
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
