using System.Text.Json;
using VmSim.Actors.Cluster;
using VmSim.Actors.Configuration;
using VmSim.Actors.Running;
using VmSim.Actors.Security;
using VmSim.Actors.Simulation;
using VmSim.Core.Kernel;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Host.Files;
using VmSim.Host.Hosting;
using VmSim.Host.Reporting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Service;

/// <summary>
/// The child's side of a job. It ends with its standard input, and so with the service, however that ends; what it has come to is then in
/// its last checkpoint, from which the next process of the job goes on.
/// </summary>
/// <param name="input">Where the order comes from; its end asks this process to stop.</param>
/// <param name="output">Where words go, a line each.</param>
internal sealed class JobWorker(TextReader input, TextWriter output)
{
    /// <summary>What is said when a checkpoint is on the disk.</summary>
    public const string HasCheckpoint = "checkpoint written";

    private const long ProgressMilliseconds = 500;
    private readonly Lock _gate = new();
    private JobViewer? _viewer;

    /// <summary>Makes the job.</summary>
    /// <param name="asked">Cancelled when a signal asks the process to end.</param>
    /// <returns>An exit code of <see cref="ExitCodes"/>.</returns>
    public async Task<int> ServeAsync(CancellationToken asked)
    {
        if (await input.ReadLineAsync(asked) is not { } line)
        {
            return ExitCodes.Broken;
        }

        JobOrder order = JsonSerializer.Deserialize<JobOrder>(line)!;
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(asked);
        JobViewer viewer = new(figures => Say(new JobWord(Figures: figures)));
        _viewer = viewer;
        new Thread(() =>
        {
            while (input.ReadLine() is not null)
            {
                // Nothing else is said to it than that somebody looks.
                viewer.Look();
            }

            stop.Cancel();
        })
        { IsBackground = true }.Start();
        JobAnswer? answer;
        try
        {
            answer = await MakeAsync(order, stop.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // It was asked to stop before it had begun: there is no more to say than its last checkpoint says.
            answer = null;
        }
        catch (Exception reason)
        {
            (int code, string message) = Failures.Explain(reason);
            bool isFull = IsDiskFull(reason);
            bool isShort = reason is ShortageException { Passes: true };
            bool isLost = reason is NodeLostException;
            bool isOthers = isFull || isLost || IsOthers(reason);
            message = isOthers && !isFull ? reason.Message : message;
            answer = new JobAnswer(
                "", false, "", Environment.WorkingSet, isOthers ? ExitCodes.System : code, message, isFull, isShort, isLost);
        }

        if (answer is not null)
        {
            Say(new JobWord(Answer: answer));
        }

        return answer?.Code ?? ExitCodes.Broken;
    }

    /// <summary>Whether the machine, the network or another node is to blame, so that it may go well the next time.</summary>
    private static bool IsOthers(Exception reason) => reason is GangBrokenException or CertificateException or IOException
        or UnauthorizedAccessException or System.Net.Sockets.SocketException;

    /// <summary>Whether a write failed for want of room: ENOSPC, EDQUOT (errno(3); Linux's numbers).</summary>
    internal static bool IsDiskFull(Exception? reason)
    {
        const int NoSpace = 28;
        const int Quota = 122;
        for (Exception? cause = reason; cause is not null; cause = cause.InnerException)
        {
            if (cause is IOException && (cause.HResult & 0xFFFF) is NoSpace or Quota)
            {
                return true;
            }
        }

        return false;
    }

    private async Task<JobAnswer?> MakeAsync(JobOrder order, CancellationToken stop)
    {
        StoreFolder store = new(order.Store);
        string folder = store.FolderOf(order.Job);
        Directory.CreateDirectory(folder);

        // A process of this job that the service has lost may still write its last checkpoint.
        await using FileStream own = await LockAsync(Path.Combine(folder, "lock"), stop);
        ScenarioSpec spec = ScenarioLoader.Parse(order.Scenario, "scenario", new StoredFiles(order.Inputs, store), []);
        string digest = RunDigest.Of(spec);
        string result = store.ResultOf(digest);
        bool wasThere = store.UseResult(digest, TimeProvider.System.GetUtcNow());
        string outcome;
        if (wasThere)
        {
            await using FileStream stream = File.OpenRead(Path.Combine(result, RunFolder.ReportName));
            outcome = ReportJson.Read(stream, "the result").Outcome;
        }
        else
        {
            if (order.Gang is null)
            {
                RunMemory.Of(spec, check: false).Require("have it made by a machine that has more");
            }

            using VirtualLimit limit = new(VirtualLimit.Of(order.Bounds.VirtualSeconds, spec), stop);
            RunReport report = await RunAsync(order, spec, store.CheckpointOf(order.Job), limit);
            if (limit.IsBeyond(report.Total("cycles") / report.Ghz / 1e9))
            {
                string beyond = JobBounds.OverVirtualTime(order.Bounds.VirtualSeconds!.Value);
                return new JobAnswer("", false, "", Environment.WorkingSet, ExitCodes.BadInput, beyond);
            }

            if (report.Outcome == RunOutcomes.Stopped)
            {
                return null;
            }

            // Every node has the files at a place of its own.
            report = report with { Provenance = RunDigest.Provenance(spec, path => Path.GetFileName(path)) };
            RunFolder.Write(result, report, RunDigest.Effective(spec));
            outcome = report.Outcome;
        }

        using System.Diagnostics.Process process = System.Diagnostics.Process.GetCurrentProcess();
        return new JobAnswer(digest, wasThere, outcome, process.PeakWorkingSet64, ExitCodes.Ok, "");
    }

    private async Task<RunReport> RunAsync(JobOrder order, ScenarioSpec spec, string file, VirtualLimit limit)
    {
        CheckpointOf run = new(BuildIdentity.Here, RunDigest.WithoutEnd(spec), RunLists.None);
        using StringWriter failed = new();
        RunCheckpoints checkpoints = new()
        {
            Period = TimeSpan.FromSeconds(order.CheckpointSeconds),
            Keep = write => Keep(new CheckpointFile(file, run, [], failed), write, failed),
        };
        RunOptions options = new() { Threads = order.Threads, Checkpoints = checkpoints, Viewer = _viewer };
        Progress progress = new(this, spec.Machine.Ghz, limit);
        if (order.Gang is { } gang)
        {
            await using GangRun together = await GangRun.StartAsync(gang, order.Threads);
            Say(new JobWord(Leads: together.Lead));
            if (spec.IsChecked)
            {
                Say(new JobWord(Text: "a checker watches it, so that it has no checkpoints on several nodes"));
                return await together.RunAsync(spec, options with { Checkpoints = null }, progress, limit.Stop);
            }

            return await FromCheckpointAsync(file, run, options, own => together.RunAsync(spec, own, progress, limit.Stop));
        }

        await using SimulationHost host = await SimulationHost.StartAsync(order.Threads);
        return await FromCheckpointAsync(file, run, options, own => host.Runner.RunAsync(spec, own, progress, limit.Stop));
    }

    /// <summary>Runs from the last checkpoint, if there is one that can be used.</summary>
    private async Task<RunReport> FromCheckpointAsync(
        string file, CheckpointOf run, RunOptions options, Func<RunOptions, Task<RunReport>> runAsync)
    {
        if (File.Exists(file))
        {
            try
            {
                await using FileStream from = CheckpointFile.Open(file, run);
                RunCheckpoints going = options.Checkpoints! with { From = from, FromName = "checkpoint" };
                Say(new JobWord(Text: "goes on from its last checkpoint"));
                return await runAsync(options with { Checkpoints = going });
            }
            catch (Exception reason) when (reason is ScenarioException or IOException && !IsDiskFull(reason))
            {
                Say(new JobWord(Text: $"its checkpoint cannot be used, so it begins anew: {reason.Message}"));
                File.Delete(file);
            }
        }

        return await runAsync(options);
    }

    private void Keep(CheckpointFile file, Action<Stream> write, StringWriter failed)
    {
        file.Keep(write);
        string said = failed.ToString().Trim();
        failed.GetStringBuilder().Clear();
        Say(new JobWord(Text: said.Length > 0 ? said : HasCheckpoint));
    }

    /// <summary>Waits until this process alone has the job.</summary>
    private static async Task<FileStream> LockAsync(string path, CancellationToken stop)
    {
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException reason) when (!IsDiskFull(reason))
            {
                await Task.Delay(100, stop);
            }
        }
    }

    private void Say(JobWord word)
    {
        string line = JsonSerializer.Serialize(word);
        lock (_gate)
        {
            try
            {
                output.WriteLine(line);
                output.Flush();
            }
            catch (IOException)
            {
                // The service is gone: this process is about to stop, and its checkpoint says all.
            }
        }
    }

    private sealed class Progress(JobWorker worker, double ghz, VirtualLimit limit) : IProgress<RunProgress>
    {
        private long _started = Environment.TickCount64;
        private long _next;
        private long _first = -1;

        public void Report(RunProgress value)
        {
            limit.IsBeyond(value.VirtualTime / ghz / 1e9);
            long now = Environment.TickCount64;
            if (_first < 0 || value.Accesses < _first)
            {
                // What has been reached counts from the checkpoint on, which the first words may not know yet.
                (_first, _started) = (value.Accesses, now);
            }

            if (now >= _next)
            {
                _next = now + ProgressMilliseconds;
                double seconds = Math.Max(0.001, (now - _started) / 1000.0);
                worker.Say(new JobWord(
                    Progress: new JobProgress(value.VirtualTime / ghz / 1e9, value.Accesses, (value.Accesses - _first) / seconds)));
            }
        }
    }
}
