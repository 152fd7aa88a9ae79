using System.IO.Compression;
using VmSim.Core.Traces;
using VmSim.Host.Terminal;

namespace VmSim.Host.Files;

/// <summary>
/// A trace file that is being written: text, gzip or binary, chosen by its name. It appears under its name only when complete.
/// </summary>
internal sealed class TraceOutput : IDisposable
{
    private readonly string _path;
    private readonly string _partial;
    private readonly Stream _stream;
    private readonly IDisposable _writer;
    private bool _isComplete;

    /// <summary>Begins a file: .vmtb or <paramref name="binary"/> is binary, .gz is gzip, anything else text.</summary>
    public TraceOutput(string path, bool binary = false)
    {
        _path = path;
        _partial = path + ".partial";
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder && !Directory.Exists(folder))
        {
            throw new UsageException($"-o {path}: there is no folder {folder}");
        }

        FileStream file = File.Create(_partial);
        if (binary || path.EndsWith(".vmtb", StringComparison.Ordinal))
        {
            _stream = file;
            VmtBinaryWriter writer = new(file);
            (Sink, _writer) = (writer, writer);
        }
        else
        {
            _stream = path.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionLevel.Optimal) : file;
            VmtTextWriter writer = new(_stream);
            (Sink, _writer) = (writer, writer);
        }
    }

    /// <summary>Takes the records.</summary>
    public IVmtSink Sink { get; }

    /// <summary>Says that all records are there.</summary>
    public void Complete() => _isComplete = true;

    /// <inheritdoc/>
    public void Dispose()
    {
        _writer.Dispose();
        _stream.Dispose();
        if (_isComplete)
        {
            File.Move(_partial, _path, overwrite: true);
        }
        else
        {
            File.Delete(_partial);
        }
    }
}
