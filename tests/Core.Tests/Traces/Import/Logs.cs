using System.Text;
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
