using System.Text;
using VmSim.Core.Traces;
using VmSim.Core.Traces.Import;

namespace VmSim.Core.Tests.Traces.Import;

/// <summary>Keeps the traces of forked processes in memory, named as a replay of test.vmt looks for them.</summary>
internal sealed class ChildSinks : IImportChildren
{
    private readonly Dictionary<ulong, (string Name, MemoryStream Bytes, VmtTextWriter Writer)> _open = [];

    public Dictionary<string, string> Texts { get; } = [];

    public Dictionary<ulong, ImportSummary> Summaries { get; } = [];

    public IVmtSink? Open(ulong parent, ulong process)
    {
        string name = parent == 0 || !_open.TryGetValue(parent, out (string Name, MemoryStream Bytes, VmtTextWriter Writer) of)
            ? "test.vmt"
            : of.Name;
        name = parent == process ? TraceNames.BesideOf("test.vmt", process) : TraceNames.ChildOf(name, process);
        MemoryStream bytes = new MemoryStream();
        VmtTextWriter writer = new VmtTextWriter(bytes);
        _open[process] = (name, bytes, writer);
        return writer;
    }

    public void Close(ulong process, ImportSummary summary)
    {
        if (_open.Remove(process, out (string Name, MemoryStream Bytes, VmtTextWriter Writer) child))
        {
            child.Writer.Dispose();
            Texts[child.Name] = Encoding.UTF8.GetString(child.Bytes.ToArray());
            Summaries[process] = summary;
        }
    }

    /// <summary>The program with its children.</summary>
    public LoadedTrace Load(string text) => TestTraces.LoadText(
        text,
        new TraceLoadOptions
        {
            OpenFile = name => Texts.TryGetValue(name, out string? child) ? new MemoryStream(Encoding.UTF8.GetBytes(child)) : null,
        });
}
