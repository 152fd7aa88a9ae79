using CsCheck;
using VmSim.Core.Traces;
using VmSim.Core.Traces.Import;

namespace VmSim.Core.Tests.Traces.Import;

/// <summary>Bad input gives a clear error or dropped lines, and what is written stays a trace; nothing crashes, hangs or grows.</summary>
public class ImporterFuzzTests
{
    public static TheoryData<string> Names => [.. TraceImporters.All.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void Import_RandomBytes_EndsWellOrWithAnError(string importer) =>
        Gen.Byte.Array[0, 3000].Sample(bytes => EndsWell(importer, bytes), iter: 300);

    [Theory]
    [MemberData(nameof(Names))]
    public void Import_RandomLogLikeText_EndsWellOrWithAnError(string importer)
    {
        string alphabet = "IRSLM 0123456789abcdef,\n\n()[]{}<>=-_xmapSYSCALLunfinished... resumed|\":/";
        Gen.Char[alphabet].Array[0, 2000].Sample(text => EndsWell(importer, [.. text.Select(character => (byte)character)]), iter: 200);
    }

    [Theory]
    [InlineData("lackey", "forkcow.l.5678.gz")]
    [InlineData("strace", "mt.strace.gz")]
    [InlineData("strace", "strace/thread-stderr.log.gz")]
    [InlineData("perf", "xz2.strace.gz")]
    [InlineData("drmemtrace", "forkcow.l.5682.gz")]
    [InlineData("champsim", "forkcow.l.5683.gz")]
    public void Import_MutatedOrTruncatedLog_EndsWellOrWithAnError(string importer, string log)
    {
        byte[] original = Logs.Read(log);
        Gen.Select(Gen.Int[0, original.Length], Gen.Select(Gen.Int[0, original.Length - 1], Gen.Byte).Array[0, 20])
            .Sample((length, changes) =>
        {
            byte[] bytes = original[..length];
            foreach ((int at, byte value) in changes)
            {
                if (at < length)
                {
                    bytes[at] = value;
                }
            }

            return EndsWell(importer, bytes);
        }, iter: 40);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Import_EndlessLine_IsAnError(string importer)
    {
        if (importer is "champsim" or "drmemtrace")
        {
            return;
        }

        TraceFormatException error = Assert.Throws<TraceFormatException>(
            () => Logs.Import(importer, new MemoryStream(new byte[1_000_000])));
        Assert.Equal(1, error.Line);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Import_TruncatedGzip_IsAnError(string importer)
    {
        byte[] whole = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "TestData", "logs", "mt.strace.gz"));
        Assert.Throws<TraceFormatException>(() => Logs.Import(importer, new MemoryStream(whole[..2000])));
    }

    [Fact]
    public void Load_MutatedTrace_EndsWellOrWithAnError()
    {
        byte[] original = Logs.Read("../traces/forkcow.vmt.gz");
        Gen.Select(Gen.Int[0, original.Length], Gen.Select(Gen.Int[0, original.Length - 1], Gen.Byte).Array[0, 20])
            .Sample((length, changes) =>
        {
            byte[] bytes = original[..length];
            foreach ((int at, byte value) in changes)
            {
                if (at < length)
                {
                    bytes[at] = value;
                }
            }

            return EndsWellAsTrace(bytes);
        }, iter: 100);
    }

    private static bool EndsWell(string importer, byte[] bytes)
    {
        try
        {
            (_, string text) = Logs.Import(importer, new MemoryStream(bytes));
            TestTraces.LoadText(text);
        }
        catch (TraceFormatException error)
        {
            Assert.NotEmpty(error.Message);
        }

        return true;
    }

    private static bool EndsWellAsTrace(byte[] bytes)
    {
        try
        {
            VmtReader.Load(new MemoryStream(bytes), "fuzz.vmt");
        }
        catch (TraceFormatException error)
        {
            Assert.Equal("fuzz.vmt", error.File);
        }

        return true;
    }
}
