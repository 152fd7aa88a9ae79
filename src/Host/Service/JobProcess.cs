using System.Diagnostics;
using System.Text.Json;
using VmSim.Actors.Security;
using VmSim.Host.Files;
using VmSim.Host.Hosting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Service;

/// <summary>The service's side of a process that makes one job.</summary>
internal sealed class JobProcess : IJobMaker
{
    /// <summary>How often it is looked what the process takes: what it takes more meanwhile is beyond its limit.</summary>
    private static readonly TimeSpan Watch = new(TimeSpan.TicksPerSecond / 4);

    /// <summary>From one word that somebody looks to the next.</summary>
    private const long LookMilliseconds = 1_000;

    private readonly Process _process;
    private readonly JobBounds _bounds;
    private readonly long _begun = Stopwatch.GetTimestamp();
    private readonly Action _kill;
    private readonly Task<string> _said;
    private Process? _part;
    private Task _looked = Task.CompletedTask;
    private long _nextLook;

    private JobProcess(Process process, JobBounds bounds)
    {
        (_process, _bounds) = (process, bounds);
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
        JobProcess started = new(process, order.Bounds);
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

    /// <summary>Starts a process that simulates a part of a job that another node leads. It says nothing of its own.</summary>
    /// <param name="gang">How it takes part.</param>
    /// <param name="threads">Host threads that simulate.</param>
    /// <param name="bounds">What it may take at most.</param>
    public static JobProcess StartPart(JobGang gang, int threads, JobBounds bounds)
    {
        using NodeCertificate certificate = NodeCertificate.Parse(gang.Certificate, "the node's certificate");
        using MemoryStream grant = new();
        new NodeGrant(certificate, gang.Folders).Write(grant);
        Process process = Process.Start(LocalNodes.StartInfo(threads, gang.Join, ClusterHost.Settings(gang.Sets).Host))!;
        JobProcess started = new(process, bounds);
        Leftovers.Add(started._kill);

        // Apart: one that is frozen before it reads would keep this process waiting, once the pipe is full.
        _ = Task.Run(() => LocalNodes.Hand(grant.ToArray(), process), CancellationToken.None);
        return started;
    }

    /// <summary>Where the process waits for other nodes that have the job with it; empty for nobody, or not yet.</summary>
    public string Address { get; private set; } = "";

    /// <summary>Whether the process has ended as it should, which is all that one with a part has to say.</summary>
    public bool HasEndedWell => _process.ExitCode == ExitCodes.Ok;

    /// <inheritdoc/>
    public async Task<JobEnding> WaitAsync(Action<JobProgress> progress, Action<JobFigures> figures, Action<string> log)
    {
        JobAnswer? answer = null;
        bool isWrong = false;
        using CancellationTokenSource over = new();
        Task<string> watched = WatchAsync(over.Token);
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            // A process that is killed may leave half a line.
            JobWord? word = TryRead(line);
            answer = word?.Answer ?? answer;
            if (word?.Progress is { } made)
            {
                progress(made);
            }

            if (word?.Leads is { } leads)
            {
                Lead(leads);
            }

            if (word?.Figures is { } stands)
            {
                // What this process read is somebody else's, and so may be what it says.
                if (FigureRules.Problem(stands) is not { } wrong)
                {
                    figures(stands);
                }
                else if (!isWrong)
                {
                    isWrong = true;
                    log($"its figures are not shown: {wrong}");
                }
            }

            if (word?.Text is { } text)
            {
                log(text);
            }
        }

        await _process.WaitForExitAsync();
        await over.CancelAsync();
        if (await watched is { Length: > 0 } beyond)
        {
            // It was ended for that; an answer that came before is one all the same.
            answer ??= new JobAnswer("", false, "", 0, ExitCodes.BadInput, beyond);
        }

        string said = await _said;
        string death = $"its process ended with exit code {_process.ExitCode}{(said.Length > 0 ? $"; it last said \"{said}\"" : "")}";
        return new JobEnding(answer, death);
    }

    /// <inheritdoc/>
    public void Look()
    {
        // Once a second is enough, and one that is frozen need not be told twice.
        long now = Environment.TickCount64;
        if (now >= _nextLook && _looked.IsCompleted)
        {
            _nextLook = now + LookMilliseconds;
            _looked = Task.Run(SayLook);
        }
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
        _part?.Dispose();
    }

    private void Lead(JobLead leads)
    {
        try
        {
            _part = Process.GetProcessById(leads.Process);
        }
        catch (ArgumentException)
        {
            // It has ended already, which the other one finds out.
        }

        Address = leads.Address;
    }

    /// <summary>Ends the process when it is over one of its limits that are looked at from outside.</summary>
    /// <returns>Which one; empty if none.</returns>
    private async Task<string> WatchAsync(CancellationToken over)
    {
        if (_bounds.MemoryBytes is null && _bounds.Seconds is null)
        {
            return "";
        }

        using PeriodicTimer timer = new(Watch);
        try
        {
            while (await timer.WaitForNextTickAsync(over))
            {
                if (Beyond() is { Length: > 0 } found)
                {
                    Kill();
                    return found;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The process has ended.
        }

        return "";
    }

    private string Beyond()
    {
        if (_bounds.Seconds is { } seconds && Stopwatch.GetElapsedTime(_begun).TotalSeconds > seconds)
        {
            return JobBounds.OverTime(seconds);
        }

        try
        {
            _process.Refresh();
            _part?.Refresh();
            long bytes = _process.WorkingSet64 + (_part is { HasExited: false } part ? part.WorkingSet64 : 0);
            return _bounds.MemoryBytes is { } most && bytes > most
                ? JobBounds.OverMemory(bytes, most)
                : "";
        }
        catch (InvalidOperationException)
        {
            // It has ended already.
            return "";
        }
    }

    private void SayLook()
    {
        try
        {
            // Below the writer, so that its end may come meanwhile.
            _process.StandardInput.BaseStream.Write("look\n"u8);
        }
        catch (Exception reason) when (reason is IOException or InvalidOperationException)
        {
            // It has ended, or is asked to.
        }
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
