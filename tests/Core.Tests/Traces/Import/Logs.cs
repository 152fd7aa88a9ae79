using System.IO.Compression;
using System.Text;
using CsCheck;
using VmSim.Core.Traces;
using VmSim.Core.Traces.Import;

namespace VmSim.Core.Tests.Traces.Import;

/// <summary>Logs for tests: real ones that ship with the tests, and texts.</summary>
internal static class Logs
{
    public static Stream Open(string name) => File.OpenRead(Path.Combine(AppContext.BaseDirectory, "TestData", "logs", name));

    public static byte[] Read(string name)
    {
        using Stream unpacked = TraceStreams.Unpack(Open(name));
        using MemoryStream bytes = new MemoryStream();
        unpacked.CopyTo(bytes);
        return bytes.ToArray();
    }

    /// <summary>A small log of one kind of what there is.</summary>
    public static Stream OpenCase(string tool, string name) =>
        File.OpenRead(Path.Combine(AppContext.BaseDirectory, "TestData", "cases", tool, name));

    public static byte[] ReadCase(string tool, string name)
    {
        using Stream stream = OpenCase(tool, name);
        using MemoryStream bytes = new MemoryStream();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }

    public static byte[] Gzip(byte[] bytes)
    {
        using MemoryStream packed = new MemoryStream();
        using (GZipStream gzip = new GZipStream(packed, CompressionLevel.Fastest))
        {
            gzip.Write(bytes);
        }

        return packed.ToArray();
    }

    /// <summary>A log cut off anywhere, with bytes changed and pieces repeated or left out.</summary>
    public static Gen<byte[]> Mutate(byte[] original) =>
        from length in Gen.OneOf(Gen.Const(original.Length), Gen.Int[0, original.Length])
        from changes in Gen.Select(Gen.Int[0, original.Length - 1], Gen.Byte).Array[0, 10]
        from moves in Gen.Select(Gen.Int[0, original.Length - 1], Gen.Int[0, original.Length - 1], Gen.Int[0, 200]).Array[0, 3]
        select Mutated(original[..length], changes, moves);

    /// <summary>Imports, and asks that what comes of it is a trace or an error that says where.</summary>
    public static bool EndsWell(string importer, byte[] bytes)
    {
        try
        {
            (_, string text) = Import(importer, new MemoryStream(bytes));
            TestTraces.LoadText(text);
        }
        catch (TraceFormatException error)
        {
            Assert.NotEmpty(error.Message);
        }

        return true;
    }

    private static byte[] Mutated(byte[] bytes, (int At, byte Value)[] changes, (int From, int To, int Length)[] moves)
    {
        foreach ((int at, byte value) in changes)
        {
            if (at < bytes.Length)
            {
                bytes[at] = value;
            }
        }

        foreach ((int from, int to, int length) in moves)
        {
            int start = Math.Min(from, bytes.Length);
            int end = Math.Min(start + length, bytes.Length);
            int place = Math.Min(to, bytes.Length);
            bytes = [.. bytes[..place], .. bytes[start..end], .. bytes[Math.Min(place + (from % 2 * length), bytes.Length)..]];
        }

        return bytes;
    }

    public static (ImportSummary Summary, string Text) Import(string importer, Stream log, ImportOptions? options = null) =>
        Import(TraceImporters.All.Find(importer)!, log, options);

    public static (ImportSummary Summary, string Text) Import(ITraceImporter importer, Stream log, ImportOptions? options = null)
    {
        using MemoryStream output = new MemoryStream();
        ImportSummary summary;
        using (VmtTextWriter writer = new VmtTextWriter(output))
        {
            summary = importer.Import(log, writer, options ?? new ImportOptions());
        }

        return (summary, Encoding.UTF8.GetString(output.ToArray()));
    }

    public static (ImportSummary Summary, string Text) ImportText(string importer, string log) =>
        Import(importer, new MemoryStream(Encoding.UTF8.GetBytes(log)));
}
