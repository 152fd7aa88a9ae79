using System.Text;
using CsCheck;
using VmSim.Core.Traces;

namespace VmSim.Core.Tests.Traces;

public class TraceToolsTests
{
    [Theory]
    [InlineData("ls.vmt.gz", 322, 167)]
    [InlineData("mt.vmt.gz", 287, 91)]
    [InlineData("gitlog.vmt.gz", 601, 317)]
    public void Info_RealTrace_CountsTheCapturesPages(string name, long pages, long fetched)
    {
        TraceInfo info = TraceInfo.Compute(() => TraceSources.Open(TestTraces.Open(name)!, name));
        Assert.Equal((pages, fetched), (info.Pages.All, info.Pages.Fetched));
        Assert.Equal(info.Accesses, info.Threads.Values.Sum());
        Assert.Equal(info.Fetches, info.FetchReuse.Histogram.Sum() + info.FetchReuse.FirstUses);
        Assert.Equal(info.Loads + info.Stores, info.DataReuse.Histogram.Sum() + info.DataReuse.FirstUses);
        Assert.InRange(info.WorkingSet.Max(), 1, pages);
    }

    [Fact]
    public void ReuseDistances_AnyUses_AreThoseOfAnLruStack() =>
        Gen.ULong[0, 30].Array[0, 400].Sample(pages =>
        {
            ReuseDistances distances = new ReuseDistances();
            List<ulong> stack = new List<ulong>();
            long[] expected = new long[40];
            foreach (ulong page in pages)
            {
                int depth = stack.IndexOf(page);
                if (depth >= 0)
                {
                    expected[depth == 0 ? 0 : System.Numerics.BitOperations.Log2((uint)depth) + 1]++;
                    stack.RemoveAt(depth);
                }

                stack.Insert(0, page);
                distances.Use(page, 1);
            }

            return distances.Histogram.SequenceEqual(expected);
        }, iter: 200);

    [Fact]
    public void ReuseDistances_ManyUses_SurviveRenumbering()
    {
        ReuseDistances distances = new ReuseDistances();
        for (int i = 0; i < 100_000; i++)
        {
            distances.Use((ulong)(i % 100), 1);
        }

        Assert.Equal(100_000 - 100, distances.Histogram[7]);
    }

    [Fact]
    public void Cut_Middle_KeepsMappingsAndSplitsRecords() =>
        Assert.Equal(
            "m 1000 1000 3 22 - 0\nI 1 4\nu 1000 1000\nR 2 3\n",
            Cut("m 1000 1000 3 22 - 0\nI 1 10\nu 1000 1000\nR 2 5\nm 5000 1000 3 22 - 0\n", 6, 13));

    [Fact]
    public void Cut_Pieces_HaveAllAccesses()
    {
        byte[] all = Encoding.UTF8.GetBytes("t 0\nI 1 10\nR 2 5\nW 3\n");
        long total = 0;
        for (int from = 0; from < 16; from += 3)
        {
            total += VmtReader.Load(
                new MemoryStream(Encoding.UTF8.GetBytes(Cut(Encoding.UTF8.GetString(all), from, from + 3))), "piece").Accesses;
        }

        Assert.Equal(16, total);
    }

    [Fact]
    public void Verify_RealTraces_UseOnlyWhatIsMapped()
    {
        foreach (string name in (string[])["ls.vmt.gz", "mt.vmt.gz", "gitlog.vmt.gz", "forkcow.vmt.gz"])
        {
            TraceVerification result = TraceTools.Verify(TraceSources.Open(TestTraces.Open(name)!, name));
            Assert.Null(result.Damage);
            Assert.Equal(0, result.UnmappedAccesses);
        }
    }

    [Fact]
    public void Verify_UseAfterUnmap_IsListed()
    {
        TraceVerification result = TraceTools.Verify(
            TraceSources.Open(new MemoryStream("m 1000 1000 3 22 - 0\nR 1\nu 1000 1000\nR 1 7\nbad\n"u8.ToArray()), "x"));
        Assert.Equal((4, 8, 7), (result.Records, result.Accesses, result.UnmappedAccesses));
        Assert.Equal([1UL], result.UnmappedPages);
        Assert.Contains("line 5", result.Damage);
    }

    [Theory]
    [InlineData("u 1001 1000", 0)]
    [InlineData("u 1000 1000 EPERM", 0)]
    [InlineData("r 1000 1000 1000 1 9000 ENOMEM", 0)]
    [InlineData("u 1000 1000", 1)]
    [InlineData("r 1000 1000 1000 1 9000", 1)]
    [InlineData("m 1801 1000 3 22 - 0\nu 1000 1000", 1)]
    public void Verify_CallsThatFail_ChangeNothing(string calls, long unmapped)
    {
        string text = $"m 1000 1000 3 22 - 0\n{calls}\nR 1\n";
        Assert.Equal(unmapped, TraceTools.Verify(TraceSources.Open(new MemoryStream(Encoding.UTF8.GetBytes(text)), "x")).UnmappedAccesses);
    }

    private static string Cut(string text, long from, long to)
    {
        using MemoryStream output = new MemoryStream();
        using (VmtTextWriter writer = new VmtTextWriter(output))
        {
            TraceTools.Cut(TraceSources.Open(new MemoryStream(Encoding.UTF8.GetBytes(text)), "x"), writer, from, to);
        }

        return Encoding.UTF8.GetString(output.ToArray());
    }
}
