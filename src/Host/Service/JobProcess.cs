using System.Diagnostics;
using System.Text.Json;
using VmSim.Host.Files;
using VmSim.Host.Hosting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Service;

/// <summary>The service's side of a process that makes one job.</summary>
internal sealed class JobProcess : IJobMaker
{
    private readonly Process _process;
    private readonly Action _kill;
    private readonly Task<string> _said;

    private JobProcess(Process process)
    {
        _process = process;
        _kill = Kill;
        _said = LastLineAsync(process.StandardError);
    }

    /// <inheritdoc/>
    public string Where => $"process {_process.Id}";

    /// <summary>Starts a process for a job.</summary>
    public static JobProcess Start(JobOrder order)
    {
        ProcessStartInfo start = OwnProgram.Start("job-worker");

        // Scenarios of others are read there, and the database is none of theirs.
        start.Environment.Remove("PGPASSWORD");
        Process process = Process.Start(start)!;
        JobProcess started = new(process);
        Leftovers.Add(started._kill);
        try
        {
            process.StandardInput.WriteLine(JsonSerializer.Serialize(order));
            process.StandardInput.Flush();
        }
        catch (IOException)
        {
            // It has ended, which is found when its answer does not come.
        }

        return started;
    }

    /// <inheritdoc/>
    public async Task<JobEnding> WaitAsync(Action<JobProgress> progress, Action<string> log)
    {
        JobAnswer? answer = null;
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            // A process that is killed may leave half a line.
            JobWord? word = TryRead(line);
            answer = word?.Answer ?? answer;
            if (word?.Progress is { } made)
            {
                progress(made);
            }

            if (word?.Text is { } text)
            {
                log(text);
            }
        }

        await _process.WaitForExitAsync();
        string said = await _said;
        string death = $"its process ended with exit code {_process.ExitCode}{(said.Length > 0 ? $"; it last said \"{said}\"" : "")}";
        return new JobEnding(answer, death);
    }

    /// <inheritdoc/>
    public void Stop() => OwnProgram.Close(_process);

    /// <inheritdoc/>
    public void Kill() => OwnProgram.Kill(_process);

    /// <inheritdoc/>
    public void Dispose()
    {
        Leftovers.Forget(_kill);
        _process.Dispose();
    }

    private static JobWord? TryRead(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<JobWord>(line);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static async Task<string> LastLineAsync(StreamReader reader)
    {
        string last = "";
        while (await reader.ReadLineAsync() is { } line)
        {
            last = line.Length > 0 ? PlainWriter.Plain(line) : last;
        }

        return last;
    }
}
