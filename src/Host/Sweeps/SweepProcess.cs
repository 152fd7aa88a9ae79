using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using VmSim.Host.Files;
using VmSim.Host.Hosting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Sweeps;

/// <summary>The parent's side of a process that makes runs of a sweep.</summary>
internal sealed class SweepProcess : IDisposable
{
    /// <summary>How long a process may take to end: it removes what it has half written.</summary>
    private const int PatienceMilliseconds = 500;

    private readonly Process _process;
    private readonly Action _kill;
    private string _said = "";

    private SweepProcess(Process process)
    {
        _process = process;
        _kill = () => OwnProgram.Kill(process);
    }

    /// <summary>Starts a process.</summary>
    /// <param name="threads">Host threads that simulate in it.</param>
    public static SweepProcess Start(int threads)
    {
        Process process = new()
        {
            StartInfo = OwnProgram.Start("sweep-worker", "--threads", threads.ToString(CultureInfo.InvariantCulture)),
        };
        SweepProcess started = new(process);
        process.ErrorDataReceived += (_, line) => started._said = line.Data ?? started._said;
        process.Start();
        Leftovers.Add(started._kill);
        process.BeginErrorReadLine();
        return started;
    }

    /// <summary>Has the process make a run.</summary>
    /// <param name="request">The run.</param>
    /// <param name="cancellation">Ends the wait, and not the run.</param>
    /// <returns>The answer; one with an error if the process ends without any.</returns>
    public async Task<SweepAnswer> RunAsync(SweepRequest request, CancellationToken cancellation)
    {
        string? line = null;
        try
        {
            await _process.StandardInput.WriteLineAsync(JsonSerializer.Serialize(request).AsMemory(), cancellation);
            await _process.StandardInput.FlushAsync(cancellation);
            line = await _process.StandardOutput.ReadLineAsync(cancellation);
        }
        catch (IOException)
        {
            // It has ended, which its exit code tells more of.
        }

        if (line is not null)
        {
            return JsonSerializer.Deserialize<SweepAnswer>(line)!;
        }

        await _process.WaitForExitAsync(cancellation);
        string said = _said.Length > 0 ? $"; it last said \"{_said}\"" : "";
        return new SweepAnswer("", false, 0, ExitCodes.System, $"its process ended with exit code {_process.ExitCode}{said}");
    }

    /// <summary>Asks the process to end, whatever it is at.</summary>
    public void Close() => OwnProgram.Close(_process);

    /// <inheritdoc/>
    public void Dispose()
    {
        Close();
        if (!_process.WaitForExit(PatienceMilliseconds))
        {
            _kill();
        }

        Leftovers.Forget(_kill);
        _process.Dispose();
    }
}
