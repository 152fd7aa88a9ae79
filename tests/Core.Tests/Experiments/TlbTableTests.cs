using VmSim.Core.Experiments;
using VmSim.Core.Mmu;
using VmSim.Core.Workloads.Patterns;

namespace VmSim.Core.Tests.Experiments;

public class TlbTableTests
{
    [Fact]
    public void Read_ColumnsLeftOut_HaveDefaults()
    {
        TlbConfig config = Assert.Single(TlbTable.Read(new StringReader("# sizes\n\nn,stream\n 5 ,uniform\n"), "t.csv"));

        Assert.Equal(new TlbConfig { Name = "row1", Stream = "uniform", Accesses = 5 }, config);
    }

    [Fact]
    public void Read_TraceInARow_NeedsNoStream()
    {
        IReadOnlyList<TlbConfig> rows = TlbTable.Read(
            new StringReader("name,stream,n,trace\n\"a, \"\"b\"\"\",,0,x.vmt\nc,zipf,9,\n"), "t.csv");

        Assert.Equal("a, \"b\"", rows[0].Name);
        Assert.Equal("x.vmt", rows[0].Trace);
        Assert.Equal("zipf", rows[1].Stream);
    }

    [Theory]
    [InlineData("", "t.csv: found no columns; the first line must name them")]
    [InlineData("n\n5", "t.csv, line 1: found neither a column 'stream' nor a column 'trace'; one is needed")]
    [InlineData("stream,n,n\nzipf,5,5", "t.csv, line 1: found column 'n' 2 times; each column is allowed once")]
    [InlineData("stream,m\nzipf,5", "t.csv, line 1: found column 'm'; allowed are name, stream, n, ")]
    [InlineData("stream,n\nzipf", "t.csv, line 2: found 1 fields; the first line names 2 columns")]
    [InlineData("stream,n\nzipf,-5", "t.csv, line 2, column n: found '-5'; allowed is a whole number from 0 to 1000000000000000")]
    [InlineData("stream,n\n\nzopf,5", "t.csv, line 3, column stream: found 'zopf'; allowed is seq64, seqpage, ")]
    [InlineData("stream,l1_policy\nzipf,LRU", "t.csv, line 2, column l1_policy: found 'LRU'; allowed is lru, plru, fifo, random")]
    [InlineData("stream,pages\nzipf,16777217",
        "t.csv, line 2, column pages: found '16777217'; allowed is at most 16777216 with stream zipf")]
    [InlineData("stream,l2_ways\nzipf,7", "t.csv, line 2, column l2_entries: found '1536'; allowed is a multiple of l2_ways, which is 7")]
    [InlineData("stream,l1_policy,l1_4k_entries,l1_4k_ways\nzipf,plru,48,12",
        "t.csv, line 2, column l1_4k_ways: found '12'; allowed is a power of two up to 64, because l1_policy is plru")]
    [InlineData("trace\n\"\"", "t.csv, line 2, column trace: found ''; allowed is a trace, or a stream in the column 'stream'")]
    [InlineData("stream,name\nzipf,\"a",
        "t.csv, line 2: found a quotation mark that is not closed; a field in quotation marks ends in one")]
    public void Read_BadTable_SaysWhereWhatAndWhatIsAllowed(string table, string message)
    {
        TableFormatException error = Assert.Throws<TableFormatException>(() => TlbTable.Read(new StringReader(table), "t.csv"));

        Assert.StartsWith(message, error.Message, StringComparison.Ordinal);
    }

    /// <summary>Each page is walked once, when it is mapped; then 16 pages need 16 entries, 8 of pairs, or 2 of runs.</summary>
    [Theory]
    [InlineData("page", 1000)]
    [InlineData("pair", 16)]
    [InlineData("run-8", 16)]
    public void Run_Reach_LetsEntriesMapMore(string reach, int walks)
    {
        TextReader table = new StringReader($"stream,n,pages,l1_4k_entries,l2_entries,l2_ways,reach\nseqpage,1000,16,0,8,8,{reach}");
        TlbConfig config = Assert.Single(TlbTable.Read(table, "t.csv"));
        TlbResult result = TlbExperiment.Run(config, new StreamSource(AddressStreams.Create("seqpage", 16, 1), 1).Take(1000));
        using StringWriter written = new();
        TlbTable.Write(written, [(config, result)]);
        Assert.Equal(walks, result.Walks);
        Assert.Equal(reach != TlbReaches.Page, written.ToString().Contains(",reach,", StringComparison.Ordinal));
    }

    [Fact]
    public void Write_NameWithCommaAndTrace_CanBeReadAgain()
    {
        TlbConfig config = new() { Name = "a, \"b\"", Trace = "#1.vmt", Accesses = 0 };
        TlbResult result = TlbExperiment.Run(config, new StreamSource(AddressStreams.Create("seq64", 10, 1), 1).Take(100));
        using StringWriter written = new();
        TlbTable.Write(written, [(config, result)]);

        string[] lines = written.ToString().Split('\n');

        Assert.StartsWith("\"a, \"\"b\"\"\",,0,1,1048576,1,", lines[1], StringComparison.Ordinal);
        Assert.Contains(",\"#1.vmt\",0x", lines[1], StringComparison.Ordinal);
        Assert.EndsWith($",0x{result.OutcomeHash:x16}", lines[1], StringComparison.Ordinal);
        Assert.Equal(lines[0].Split(',').Length, lines[1].Split(',').Length - 1);
    }
}
