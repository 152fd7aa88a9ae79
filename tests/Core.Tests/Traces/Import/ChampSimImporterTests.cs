using System.Buffers.Binary;
using System.Formats.Tar;
using CsCheck;
using VmSim.Core.Traces;
using VmSim.Core.Traces.Import;

namespace VmSim.Core.Tests.Traces.Import;

/// <summary>ChampSim traces of both kinds, and what is no such trace.</summary>
public class ChampSimImporterTests
{
    [Fact]
    public void Import_StandardTrace_CountsEveryReference()
    {
        (ImportSummary summary, string text) = Logs.Import("champsim", Logs.OpenCase("champsim", "std.champsim"));
        Assert.Equal((200, 400), (summary.Fetches, summary.DataReferences));
        Assert.Contains("Records are of 64 bytes (input_instr).", summary.Notes);
        LoadedTrace trace = TestTraces.LoadText(text);
        Assert.Equal(600, trace.Accesses);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Import_EitherKind_IsRecognisedAndReadRight(bool isCloudSuite) =>
        Gen.Select(Gen.Int[1, 300], Gen.Int[0, 1_000_000]).Sample((count, seed) =>
        {
            Random random = new Random(seed);
            long data = 0;
            byte[] bytes = new byte[count * (isCloudSuite ? 96 : 64)];
            for (int i = 0; i < count; i++)
            {
                Span<byte> record = bytes.AsSpan(i * (isCloudSuite ? 96 : 64));
                BinaryPrimitives.WriteUInt64LittleEndian(record, 0x401000 + (ulong)(4 * i));
                record[8] = (byte)random.Next(2);
                record[9] = (byte)(record[8] * random.Next(2));
                random.NextBytes(record.Slice(10, isCloudSuite ? 8 : 6));
                int first = isCloudSuite ? 24 : 16;
                for (int field = 0; field < (isCloudSuite ? 8 : 6); field++)
                {
                    bool isUsed = random.Next(3) == 0;
                    data += isUsed ? 1 : 0;
                    BinaryPrimitives.WriteUInt64LittleEndian(
                        record[(first + (8 * field))..], isUsed ? 0x7fff_0000UL + (ulong)random.Next(1 << 20) : 0);
                }

                if (isCloudSuite)
                {
                    record[88] = (byte)random.Next(256);
                }
            }

            (ImportSummary summary, _) = Logs.Import("champsim", new MemoryStream(bytes));
            Assert.Equal((count, count, data, 0), (summary.Lines, summary.Fetches, summary.DataReferences, summary.Dropped));
        }, iter: 200);

    [Theory]
    [InlineData(TarEntryFormat.V7)]
    [InlineData(TarEntryFormat.Ustar)]
    [InlineData(TarEntryFormat.Pax)]
    [InlineData(TarEntryFormat.Gnu)]
    public void Import_Tar_IsNamedAsOne(TarEntryFormat format)
    {
        using MemoryStream archive = new MemoryStream();
        using (TarWriter writer = new TarWriter(archive, format, leaveOpen: true))
        {
            TarEntry entry = format switch
            {
                TarEntryFormat.V7 => new V7TarEntry(TarEntryType.V7RegularFile, "ls.champsim"),
                TarEntryFormat.Ustar => new UstarTarEntry(TarEntryType.RegularFile, "ls.champsim"),
                TarEntryFormat.Pax => new PaxTarEntry(TarEntryType.RegularFile, "ls.champsim"),
                _ => new GnuTarEntry(TarEntryType.RegularFile, "ls.champsim"),
            };
            entry.DataStream = Logs.OpenCase("champsim", "std.champsim");
            writer.WriteEntry(entry);
        }

        foreach (byte[] bytes in new[] { archive.ToArray(), Logs.Gzip(archive.ToArray()) })
        {
            foreach (string importer in new[] { "champsim", "lackey", "perf", "drmemtrace" })
            {
                TraceFormatException error = Assert.Throws<TraceFormatException>(() => Logs.Import(importer, new MemoryStream(bytes)));
                Assert.Contains("this is a tar archive", error.Message);
            }
        }
    }

    [Theory]
    [InlineData("04224D18", "lz4")]
    [InlineData("425A683931415926", "bzip2")]
    [InlineData("377ABCAF271C", "7z")]
    [InlineData("504B0304", "zip")]
    public void Import_OtherPacking_IsNamed(string magic, string name)
    {
        byte[] bytes = [.. Convert.FromHexString(magic), .. new byte[100]];
        TraceFormatException error = Assert.Throws<TraceFormatException>(() => Logs.Import("champsim", new MemoryStream(bytes)));
        Assert.Contains(name, error.Message);
    }

    [Fact]
    public void Import_ZstdTrace_IsUnpacked()
    {
        byte[] plain = Logs.ReadCase("champsim", "std.champsim");
        byte[] packed = new ZstdSharp.Compressor().Wrap(plain).ToArray();
        Assert.Equal(200, Logs.Import("champsim", new MemoryStream(packed)).Summary.Fetches);
        Assert.Throws<TraceFormatException>(() => Logs.Import("champsim", new MemoryStream(packed[..^20])));
    }

    [Fact]
    public void Import_MutatedTrace_EndsWellOrWithAnError()
    {
        byte[] original = Logs.ReadCase("champsim", "std.champsim");
        Logs.Mutate(original).Sample(bytes => Logs.EndsWell("champsim", bytes), iter: 300);
    }

    [Fact]
    public void Import_AddressesOfFiveLevels_AreUserSpaceAndNoted()
    {
        byte[] record = new byte[64];
        BinaryPrimitives.WriteUInt64LittleEndian(record, 0x401000);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(32), 0x00ab_0000_0000_1000);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(40), 0xffff_8000_0000_1000);
        (ImportSummary summary, _) = Logs.Import("champsim", new MemoryStream(record));
        Assert.Equal((1, 1), (summary.DataReferences, summary.Dropped));
        Assert.Contains(summary.Notes, note => note.StartsWith("Addresses have up to 56 bits", StringComparison.Ordinal));
    }
}
