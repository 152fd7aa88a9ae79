using System.Buffers.Binary;
using VmSim.Core.Traces;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Hostile.Tests.Readers;

/// <summary>Every byte of a binary trace is under a checksum or must be what it is.</summary>
public sealed class BinaryTraceTests : Scratch
{
    [Theory]
    [InlineData("trailing-garbage.vmtb", "bytes follow the file's end")]
    [InlineData("vmtb-block-head-thread-flipped.vmtb", "a block that begins in thread")]
    [InlineData("vmtb-index-entries-flipped.vmtb", "an index of")]
    [InlineData("zstd-bomb.vmtb", "")]
    public async Task Verify_DamagedTrace_SaysSo(string name, string expected)
    {
        (int code, string output, string error) = await CommandRunner.RunAsync("trace", "verify", Data(name));
        Assert.Equal(65, code);
        AssertSays(expected, output + error);
        Assert.DoesNotContain("without damage", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_AnyByteChanged_IsDamage()
    {
        byte[] whole = Small();
        Assert.Null(Damage(whole));
        for (int at = 0; at < whole.Length; at++)
        {
            foreach (byte change in (byte[])[0x01, 0x80, 0xFF])
            {
                byte[] changed = [.. whole];
                changed[at] ^= change;
                Assert.True(Damage(changed) is not null, $"byte {at} of {whole.Length} changed by {change:x} is not noticed");
            }
        }
    }

    [Fact]
    public void Read_CutAnywhere_IsDamage()
    {
        byte[] whole = Small();
        for (int length = 0; length < whole.Length; length++)
        {
            Assert.True(Damage(whole[..length]) is not null, $"a file cut after {length} of {whole.Length} bytes is not noticed");
        }
    }

    [Fact]
    public async Task AnyCommand_EmptyBlocks_AreRefused()
    {
        byte[] block = new byte[32];
        BinaryPrimitives.WriteUInt32LittleEndian(block, 0x314B4C42);
        File.WriteAllBytes(At("empty.vmtb"), [.. "VMTB"u8, 1, 0, 0, 0, .. Enumerable.Repeat(block, 20_000).SelectMany(bytes => bytes)]);
        foreach (string[] command in (string[][])[["trace", "verify"], ["trace", "info"], ["run"]])
        {
            (int code, string output, string error) = await CommandRunner.RunAsync([.. command, At("empty.vmtb")]);
            Assert.Equal(65, code);
            AssertSays("a block without records", output + error);
        }
    }

    [Theory]
    [InlineData("# a comment\nk exec")]
    [InlineData("W 5 100")]
    [InlineData("# a comment\r")]
    [InlineData("# vmt 2 x pagesize 4096")]
    [InlineData("# vmt 1 x pagesize 8192")]
    [InlineData("")]
    public Task Cat_TextThatWouldBeAnotherRecord_IsDamage(string comment) => AssertDamageAsync(VmtRecord.Comment(comment));

    /// <summary>What text cannot say, a binary trace does not say: each form can be made of the other.</summary>
    [Fact]
    public async Task Cat_RecordThatTextCannotHold_IsDamage()
    {
        await AssertDamageAsync(VmtRecord.File(1, " /begins-with-a-blank"));
        await AssertDamageAsync(VmtRecord.Mapping(VmtKind.InitialMap, 0x1000, 0x1000, 3, 0x22, -1, 0, ""));
        await AssertDamageAsync(VmtRecord.Mapping(VmtKind.Map, 0x1000, 0x1000, ulong.MaxValue, 0x22, -1, 0));
        await AssertDamageAsync(VmtRecord.Protect(0x1000, 0x1000, ulong.MaxValue));
        await AssertDamageAsync(VmtRecord.Advise(0x1000, 0x1000, ulong.MaxValue));
        await AssertDamageAsync(VmtRecord.Fork(ulong.MaxValue));
    }

    private async Task AssertDamageAsync(VmtRecord record)
    {
        string path = At($"smuggled-{record.Kind}.vmtb");
        using (FileStream stream = File.Create(path))
        using (VmtBinaryWriter writer = new(stream))
        {
            writer.Write(record);
        }

        (int code, string output, string error) = await CommandRunner.RunAsync("trace", "verify", path);
        Assert.Equal(65, code);
        AssertSays("makes no sense", output + error);
    }

    /// <summary>Each byte that is no UTF-8 becomes a character of three bytes.</summary>
    [Theory]
    [InlineData(65_535, 'x')]
    [InlineData(65_535, 0xFF)]
    [InlineData(21_000, 0xFF)]
    public async Task Cut_LongestComment_CanBeReadAgain(int length, int character)
    {
        byte[] line = [(byte)'#', .. Enumerable.Repeat((byte)character, length), (byte)'\n'];
        await File.WriteAllBytesAsync(At("long.vmt"), [.. line, .. "t 1\nR 5\n"u8]);
        foreach (string name in (string[])["out.vmt", "out.vmtb", "again.vmt"])
        {
            string from = name == "again.vmt" ? At("out.vmtb") : At("long.vmt");
            (int code, string output, string error) = await CommandRunner.RunAsync("trace", "cut", from, "-o", At(name));
            Assert.True(code == 0, output + error);
            (_, output, _) = await CommandRunner.RunAsync("trace", "verify", At(name));
            AssertSays("without damage", output);
        }
    }

    private static byte[] Small()
    {
        using MemoryStream stream = new();
        using (VmtBinaryWriter writer = new(stream))
        {
            VmtTextReader text = new(new MemoryStream(
                "# vmt 1 x pagesize 4096\ni 1000 2000 3 22 - 0 name\nt 1\nW 1 5\nR 2\nt 2\nI 1\n"u8.ToArray()), "small");
            TraceTools.Copy(text, writer);
        }

        return stream.ToArray();
    }

    private static string? Damage(byte[] bytes)
    {
        try
        {
            return TraceTools.Verify(TraceSources.Open(new MemoryStream(bytes), "changed")).Damage;
        }
        catch (TraceFormatException reason)
        {
            return reason.Message;
        }
    }
}
