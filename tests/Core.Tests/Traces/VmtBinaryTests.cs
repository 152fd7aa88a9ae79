using CsCheck;
using VmSim.Core.Traces;

namespace VmSim.Core.Tests.Traces;

public class VmtBinaryTests
{
    [Theory]
    [InlineData("ls.vmt.gz")]
    [InlineData("mt.vmt.gz")]
    [InlineData("forkcow.vmt.gz")]
    [InlineData("gitlog.vmt.gz")]
    public void Copy_ToBinaryAndBack_GivesTheSameText(string name)
    {
        byte[] text = Text(TraceSources.Open(TestTraces.Open(name)!, name));
        byte[] binary = Binary(new MemoryStream(text));
        Assert.Equal(text, Text(TraceSources.Open(new MemoryStream(binary), "a.vmtb")));
        Assert.True(binary.Length < text.Length / 3, $"{binary.Length} of {text.Length} bytes");
    }

    [Fact]
    public void Load_Binary_GivesTheSameProgram()
    {
        LoadedTrace text = TestTraces.LoadFile("mt.vmt.gz");
        LoadedTrace binary = VmtReader.Load(new MemoryStream(Binary(TestTraces.Open("mt.vmt.gz")!)), "mt.vmtb");
        Assert.Equal((text.Accesses, text.Records, text.Image.EventCount), (binary.Accesses, binary.Records, binary.Image.EventCount));
        for (int thread = 0; thread < text.Image.Threads.Count; thread++)
        {
            Assert.Equal(TestTraces.Describe(text.Image.Threads[thread]), TestTraces.Describe(binary.Image.Threads[thread]));
        }
    }

    [Fact]
    public void Read_SomeTruncations_AreErrorsNearTheirByteAndKeepWhatStandsBefore() => Truncate(cuts: 20);

    [Fact]
    [Trait("Category", "Long")]
    public void Read_ManyTruncations_AreErrorsNearTheirByteAndKeepWhatStandsBefore() => Truncate(cuts: 200);

    private static void Truncate(int cuts)
    {
        byte[] binary = Binary(TestTraces.Open("gitlog.vmt.gz")!);
        for (int length = 0; length < binary.Length; length += 1 + (binary.Length / cuts))
        {
            TraceFormatException error = Assert.Throws<TraceFormatException>(
                () => VmtReader.Load(new MemoryStream(binary[..length]), "cut.vmtb"));
            Assert.True(length < 4 || error.ByteOffset == length, $"cut at {length}: {error.Message}");
            if (length >= 8)
            {
                LoadedTrace salvaged = VmtReader.Load(
                    new MemoryStream(binary[..length]), "cut.vmtb", new TraceLoadOptions { Salvage = true });
                Assert.Single(salvaged.Warnings, warning => warning.Contains("cut.vmtb, byte", StringComparison.Ordinal));
            }
        }
    }

    [Fact]
    public void Read_AnyChangedByte_IsAnErrorOrChangesNothing() =>
        Gen.Select(Gen.Int[0, int.MaxValue], Gen.Int[1, 255]).Sample((at, change) =>
        {
            byte[] damaged = [.. Small];
            damaged[at % damaged.Length] ^= (byte)change;
            try
            {
                return SmallText.SequenceEqual(Text(TraceSources.Open(new MemoryStream(damaged), "bad.vmtb")));
            }
            catch (TraceFormatException error)
            {
                return error.File == "bad.vmtb";
            }
        }, iter: 500);

    [Fact]
    public void Read_OtherVersion_IsRefused()
    {
        byte[] other = [.. Small];
        other[4] = 9;
        TraceFormatException error = Assert.Throws<TraceFormatException>(() => TraceSources.Open(new MemoryStream(other), "new.vmtb"));
        Assert.Contains("version 9", error.Message);
    }

    [Fact]
    public void Write_EmptyTrace_CanBeRead() =>
        Assert.Empty(Text(TraceSources.Open(new MemoryStream(Binary(new MemoryStream("\n"u8.ToArray()))), "empty.vmtb")));

    private static readonly byte[] Small = Binary(TestTraces.Open("forkcow.vmt.gz")!);
    private static readonly byte[] SmallText = Text(TraceSources.Open(new MemoryStream(Small), "small.vmtb"));

    private static byte[] Binary(Stream text)
    {
        using MemoryStream binary = new MemoryStream();
        using (VmtBinaryWriter writer = new VmtBinaryWriter(binary))
        {
            TraceTools.Copy(TraceSources.Open(text, "text.vmt"), writer);
        }

        return binary.ToArray();
    }

    private static byte[] Text(IVmtSource source)
    {
        using MemoryStream text = new MemoryStream();
        using (VmtTextWriter writer = new VmtTextWriter(text))
        {
            TraceTools.Copy(source, writer);
        }

        return text.ToArray();
    }
}
