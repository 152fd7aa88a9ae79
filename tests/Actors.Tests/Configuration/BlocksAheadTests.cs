using System.Text;
using VmSim.Actors.Configuration;
using VmSim.Core.Traces;

namespace VmSim.Actors.Tests.Configuration;

/// <summary>Blocks that are read ahead come as they do without that, and so does what is wrong with them.</summary>
public class BlocksAheadTests
{
    private static readonly byte[] Trace = Draw();

    [Fact]
    public void Read_Ahead_GivesTheSameBlocks()
    {
        List<string> plain = Blocks(new VmtBlockReader(new MemoryStream(Trace), "a.vmtb"));
        Assert.Equal(plain, Blocks(TraceFiles.Ahead(new VmtBlockReader(new MemoryStream(Trace), "a.vmtb"))));
        Assert.InRange(plain.Count, 7, 1000);
    }

    [Theory]
    [InlineData(0.1)]
    [InlineData(0.5)]
    [InlineData(0.9)]
    [InlineData(1)]
    public void Read_DamagedAhead_IsToldWhereItStands(double place)
    {
        byte[] damaged = [.. Trace];
        damaged[(int)(place * (damaged.Length - 1))] ^= 1;
        List<string> plain = Blocks(new VmtBlockReader(new MemoryStream(damaged), "a.vmtb"));
        Assert.Equal(plain, Blocks(TraceFiles.Ahead(new VmtBlockReader(new MemoryStream(damaged), "a.vmtb"))));
        Assert.Contains("a.vmtb, byte", plain[^1]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(6)]
    public void Dispose_BeforeTheEnd_ReadsNoMoreOfTheStream(int blocks)
    {
        MemoryStream stream = new(Trace);
        using (IVmtBlocks ahead = TraceFiles.Ahead(new VmtBlockReader(stream, "a.vmtb")))
        {
            VmtBlock block = new();
            for (int i = 0; i < blocks; i++)
            {
                Assert.True(ahead.Read(block));
            }
        }

        // nobody is left who would read here
        long position = stream.Position;
        stream.Dispose();
        Assert.InRange(position, 1, Trace.Length);
    }

    /// <summary>A trace of some ten blocks.</summary>
    private static byte[] Draw()
    {
        StringBuilder text = new("t 0\n");
        Random random = new(7);
        for (int i = 0; i < 600_000; i++)
        {
            text.Append("R ").Append(random.Next(1 << 20).ToString("x", null)).Append(" 9\n");
        }

        using MemoryStream binary = new();
        using (VmtBinaryWriter writer = new(binary, level: 1))
        {
            TraceTools.Copy(TraceSources.Open(new MemoryStream(Encoding.ASCII.GetBytes(text.ToString())), "a.vmt"), writer);
        }

        return binary.ToArray();
    }

    private static List<string> Blocks(IVmtBlocks blocks)
    {
        using IDisposable held = blocks;
        List<string> found = [];
        VmtBlock block = new();
        try
        {
            while (blocks.Read(block))
            {
                HashCode hash = default;
                hash.AddBytes(block.Raw);
                found.Add($"{block.Offset} {block.Records} {block.Thread} {block.Accesses} {hash.ToHashCode()}");
            }
        }
        catch (TraceFormatException error)
        {
            found.Add(error.Message);
        }

        return found;
    }
}
