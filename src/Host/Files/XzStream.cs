using System.Diagnostics;
using VmSim.Core.Traces;

namespace VmSim.Host.Files;

/// <summary>What the xz program unpacks. That it could not unpack all is found out at the end, and told.</summary>
internal sealed class XzStream : ReadOnlyStream
{
    private readonly string _path;
    private readonly Process _process;
    private readonly Stream _output;
    private readonly Task<string> _said;
    private readonly Action _remove;

    /// <summary>Starts the program.</summary>
    /// <param name="path">The packed file.</param>
    /// <exception cref="TraceFormatException">The program is not installed.</exception>
    public XzStream(string path)
    {
        _path = path;
        ProcessStartInfo start = new("xz") { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.ArgumentList.Add("-dc");
        start.ArgumentList.Add("--");
        start.ArgumentList.Add(path);
        try
        {
            _process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            throw TraceFormatException.Missing(
                path, "it is packed with xz, and the xz program is not installed (apt-get install xz-utils)", error);
        }

        _output = _process.StandardOutput.BaseStream;
        _said = _process.StandardError.ReadToEndAsync();
        _remove = End;
        Leftovers.Add(_remove);
    }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        int length = _output.Read(buffer);
        if (length > 0 || buffer.IsEmpty)
        {
            return length;
        }

        _process.WaitForExit();
        return _process.ExitCode == 0
            ? 0
            : throw new TraceFormatException($"{_path}: xz cannot unpack it: {_said.Result.Trim()}; an undamaged file is needed");
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            End();
            Leftovers.Forget(_remove);
            _process.Dispose();
        }

        base.Dispose(disposing);
    }

    private void End()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }
    }
}
