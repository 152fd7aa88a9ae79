using System.Text;
using CsCheck;
using VmSim.Core.Traces;
using VmSim.Tests.Shared;

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

    /// <summary>What is read at once and what is read one by one is the same, and damage is told of at the same record.</summary>
    [Fact]
    public void ReadAccesses_OfAnyTraceDamagedOrNot_AreThoseThatReadGives() =>
        Gen.Select(Gen.Int[0, int.MaxValue], Gen.Int[0, 255], Gen.Int[1, 40], Gen.Int[0, 1_000_000]).Sample((at, change, room, seed) =>
        {
            byte[] trace = seed % 2 == 0 ? [.. Small] : Binary(new MemoryStream(Encoding.UTF8.GetBytes(new ThreadedTrace(seed, 300).Text)));
            trace[at % trace.Length] ^= (byte)change;
            Assert.Equal(Records(trace, 0), Records(trace, room));
        }, iter: 500);

    [Fact]
    public void Load_WithoutReadingManyAtOnce_IsTheSameProgram()
    {
        byte[] binary = Binary(TestTraces.Open("mt.vmt.gz")!);
        LoadedTrace plain = VmtReader.Load(new OneByOne(new VmtBinaryReader(new MemoryStream(binary), "mt.vmtb")));
        LoadedTrace many = VmtReader.Load(new MemoryStream(binary), "mt.vmtb");
        Assert.Equal((plain.Accesses, plain.Records, plain.Image.EventCount), (many.Accesses, many.Records, many.Image.EventCount));
        Assert.All(
            plain.Image.Threads.Zip(many.Image.Threads),
            pair => Assert.Equal(TestTraces.Describe(pair.First), TestTraces.Describe(pair.Second)));
    }

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

    /// <summary>The records up to the end or the damage, and what is said of it.</summary>
    /// <param name="trace">The trace.</param>
    /// <param name="room">References that are read at once; 0 for one by one.</param>
    private static List<string> Records(byte[] trace, int room)
    {
        List<string> records = [];
        VmtAccess[] accesses = new VmtAccess[room];
        VmtRecord record = default;
        try
        {
            IVmtSource source = TraceSources.Open(new MemoryStream(trace), "a.vmtb");
            while (true)
            {
                int count = room == 0 ? 0 : source.ReadAccesses(accesses);
                records.AddRange(accesses.Take(count).Select(access => $"{access.Kind} {access.Page:x} {access.Count}"));
                if (count == 0 && !source.Read(ref record))
                {
                    return records;
                }

                if (count == 0)
                {
                    records.Add(record.IsAccess ? $"{record.Kind} {record.Page:x} {record.Count}" : $"{record.Kind} {record.Text}");
                }
            }
        }
        catch (TraceFormatException error)
        {
            records.Add(error.Message);
            return records;
        }
    }

    /// <summary>The plain way: a source that knows nothing of its next records.</summary>
    private sealed class OneByOne(IVmtSource inner) : IVmtSource
    {
        public string File => inner.File;

        public bool Read(ref VmtRecord record) => inner.Read(ref record);

        public TraceFormatException Bad(string found, string allowed) => inner.Bad(found, allowed);
    }

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
