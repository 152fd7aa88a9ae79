using System.Text;
using VmSim.Core.Addresses;
using VmSim.Core.Experiments;
using VmSim.Core.Traces;

namespace VmSim.Core.Tests.Experiments;

public class TraceSourceTests
{
    [Fact]
    public void Read_TwoThreadsAndTwoCores_GivesAccessesInOrder()
    {
        SourceAccess[] block = new SourceAccess[3];
        TraceSource source = Open("t 1\nI 400 2\nn 77\nt 2\nR 7f000 1\nt 1\nW 7f001 2\n", cores: 2);
        List<SourceAccess> all = [];
        for (int count = source.Read(block); count > 0; count = source.Read(block))
        {
            all.AddRange(block.AsSpan(0, count));
        }

        Assert.Equal(
            [
                new(0x400000, 0, AccessKind.Fetch), new(0x400000, 0, AccessKind.Fetch), new(0x7F000000, 1, AccessKind.Load),
                new(0x7F001000, 0, AccessKind.Store), new(0x7F001000, 0, AccessKind.Store),
            ],
            all);
    }

    [Fact]
    public void Run_RealTrace_CountsEveryAccessOnce()
    {
        string path = Path.Combine(AppContext.BaseDirectory, "TestData", "traces", "ls.vmt.gz");
        using FileStream whole = File.OpenRead(path);
        LoadedTrace trace = VmtReader.Load(whole, path);
        using FileStream bytes = File.OpenRead(path);
        TlbResult result = TlbExperiment.Run(new TlbConfig { Trace = path }, new TraceSource(TraceSources.Open(bytes, path), 1));

        Assert.Equal(trace.Accesses, result.Accesses);
        Assert.Equal(result.Accesses, result.FirstHits4K + result.SecondHits4K + result.Walks);
        Assert.True(result.Faults > 100, $"{result.Faults} pages");
        Assert.True(result.FirstHits4K > result.Accesses * 9 / 10, $"{result.FirstHits4K} hits of {result.Accesses}");
    }

    [Fact]
    public void Run_PageThatIsNotCanonical_IsRefused()
    {
        TraceSource source = Open("t 1\nR 800000000000 1\n", cores: 1);

        TraceFormatException error = Assert.Throws<TraceFormatException>(() => source.Read(new SourceAccess[1]));
        Assert.Contains("canonical", error.Message, StringComparison.Ordinal);
    }

    private static TraceSource Open(string records, int cores)
    {
        MemoryStream bytes = new(Encoding.UTF8.GetBytes(Header + records));
        return new TraceSource(TraceSources.Open(bytes, "t.vmt"), cores);
    }

    private const string Header = "# vmt 1 t pagesize 4096\n";
}
