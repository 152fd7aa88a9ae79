using System.IO.Compression;
using VmSim.Core.Traces;

namespace VmSim.Host.Files;

/// <summary>
/// A trace file that is being written: text, gzip or binary, chosen by its name. It appears under its name only when complete.
/// </summary>
internal sealed class TraceOutput : IDisposable
{
    private readonly OutputFile _file;
    private readonly Stream _stream;
    private readonly IDisposable _writer;
    private bool _isFinished;

    /// <summary>Begins a file: .vmtb or <paramref name="binary"/> is binary, .gz is gzip, anything else text.</summary>
    /// <param name="path">Its name.</param>
    /// <param name="binary">Whether it is binary whatever its name.</param>
    /// <param name="inputs">Files that the command reads.</param>
    public TraceOutput(string path, bool binary = false, params IReadOnlyList<string> inputs)
    {
        _file = new OutputFile(path, "-o", inputs);
        if (binary || path.EndsWith(".vmtb", StringComparison.Ordinal))
        {
            _stream = _file.Stream;
            VmtBinaryWriter writer = new(_stream);
            (Sink, _writer) = (writer, writer);
        }
        else
        {
            _stream = path.EndsWith(".gz", StringComparison.Ordinal)
                ? new GZipStream(_file.Stream, CompressionLevel.Optimal, leaveOpen: true)
                : _file.Stream;
            VmtTextWriter writer = new(_stream);
            (Sink, _writer) = (writer, writer);
        }
    }

    /// <summary>Takes the records.</summary>
    public IVmtSink Sink { get; }

    /// <summary>Says that all records are there, while the trace still stands aside: others that belong to it may be missing.</summary>
    public void Finish()
    {
        _isFinished = true;
        _writer.Dispose();
        if (_stream is GZipStream)
        {
            _stream.Dispose();
        }

        _file.Finish();
    }

    /// <summary>Says that all records are there: the trace appears under its name.</summary>
    public void Complete()
    {
        if (!_isFinished)
        {
            Finish();
        }

        _file.Complete();
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
