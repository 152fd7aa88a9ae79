using System.IO.Compression;
using VmSim.Core.Traces;
using VmSim.Host.Reporting;
using VmSim.Host.Terminal;

namespace VmSim.CoverageFuzz.Targets;

/// <summary>
/// A form of traces: checked, looked into, copied and loaded. What is copied says the same in every form, also what is before damage.
/// </summary>
internal sealed class TraceTarget(string ending) : FuzzTarget("trace" + ending, typeof(TraceFormatException))
{
    private const string Text = "# vmt 1 x pagesize 4096\nf 1 /bin/x\ni 1000 4000 3 22 - 0 [stack]\nb 9000\nt 1\nW 1 5\nn 2\n"
        + "m 20000 3000 3 22 - 0\nt 2\nR 20\nW 21 3\ns 20000 100 R\np 20000 1000 1\nd 20000 1000 4\n"
        + "r 20000 1000 2000 1 30000\nu 21000 1000\nx 2\nk fork 7\nk exec\nI 1 9\n";

    public override IEnumerable<byte[]> Seeds => SeedFiles.Of("trace").Append(SeedFiles.Text(Text)).Select(Packed);

    public override IEnumerable<string> Words =>
    [
        "\nt 2", "\nn 2", "\nx 2", "\nk fork 7", "\nk exec", "\nm 20000 3000 3 22 - 0", "\nr 20000 1000 2000 1 30000", "\nu 21000 1000",
        "\ns 20000 100 W", "\np 20000 1000 1", "\nd 20000 1000 4", "\nb 9000", "\nf 1 /x", "\ni 1000 4000 3 122 - 0 [stack]", "\nW 1 5",
        "ffffffffffffffff", "7ffffffffffff000", "pagesize 4096", "filter sets=16",
    ];

    /// <summary>Goes through all that is done with a trace.</summary>
    public static void Use(Func<IVmtSource> open)
    {
        TraceTools.Verify(open());
        TraceInfoView.Show(TraceInfo.Compute(open, salvage: true), "fuzz", null, Consoles.For(TextWriter.Null));
        byte[] text = AsText(open());
        Same("the text of a text", text, AsText(Open(text)));
        Same("the text of a binary trace", text, AsText(Open(AsBinary(open()))));
        LoadedTrace salvaged = VmtReader.Load(open(), new TraceLoadOptions { Salvage = true });
        TraceParallelism.Of(salvaged.Image);
        VmtReader.Load(open());
    }

    protected override void Read(byte[] input) => Use(() => Open(input));

    private static IVmtSource Open(byte[] bytes) => TraceSources.Open(new MemoryStream(bytes, writable: false), "fuzz.vmt");

    private static byte[] AsText(IVmtSource source)
    {
        using MemoryStream bytes = new();
        using (VmtTextWriter writer = new(bytes))
        {
            TraceTools.Copy(source, writer, salvage: true);
        }

        return bytes.ToArray();
    }

    private static byte[] AsBinary(IVmtSource source)
    {
        using MemoryStream bytes = new();
        using (VmtBinaryWriter writer = new(bytes))
        {
            TraceTools.Copy(source, writer, salvage: true);
        }

        return bytes.ToArray();
    }

    private byte[] Packed(byte[] text) => ending switch
    {
        ".vmt.gz" => Gzip(text),
        ".vmtb" => AsBinary(Open(text)),
        _ => text,
    };

    private static byte[] Gzip(byte[] text)
    {
        using MemoryStream bytes = new();
        using (GZipStream packed = new(bytes, CompressionLevel.NoCompression))
        {
            packed.Write(text);
        }

        return bytes.ToArray();
    }
}
