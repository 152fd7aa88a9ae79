using System.Buffers;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using VmSim.Actors.Configuration;
using VmSim.Host.Files;
using VmSim.Host.Hosting;

namespace VmSim.Host.Service;

/// <summary>The service's side of a process that checks scenarios.</summary>
internal sealed class CheckProcess : IDisposable
{
    /// <summary>How often it is looked what the process takes.</summary>
    private static readonly TimeSpan Watch = new(TimeSpan.TicksPerSecond / 4);

    /// <summary>Characters of an answer: a scenario with every setting written out, in which few characters are escaped.</summary>
    private const int AnswerMax = 2 * ScenarioLoader.TextMax;

    private readonly Process _process;
    private readonly CheckLimits _limits;
    private readonly Action _kill;
    private TimeSpan _spent;

    private CheckProcess(Process process, CheckLimits limits)
    {
        (_process, _limits) = (process, limits);
        _kill = Kill;
    }

    /// <summary>Starts a process.</summary>
    public static CheckProcess Start(CheckLimits limits)
    {
        ProcessStartInfo start = OwnProgram.Start("check-worker");

        // Scenarios of others are read there, and the database is none of theirs.
        start.Environment.Remove("PGPASSWORD");
        start.Environment["DOTNET_GCHeapHardLimit"] = CheckLimits.HeapBytes.ToString("X", CultureInfo.InvariantCulture);
        Process process = Process.Start(start)!;
        CheckProcess started = new(process, limits);
        Leftovers.Add(started._kill);
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        return started;
    }

    /// <summary>Its number.</summary>
    public int Id => _process.Id;

    /// <summary>Whether another scenario may be sent.</summary>
    public bool IsThere { get; private set; } = true;

    /// <summary>Checks a scenario.</summary>
    /// <returns>What was found; a process that is not there any more has found a problem.</returns>
    public async Task<CheckAnswer> CheckAsync(CheckOrder order)
    {
        using CancellationTokenSource over = new();
        Task<string> watched = WatchAsync(over.Token);
        CheckAnswer? answer = null;
        try
        {
            await _process.StandardInput.WriteLineAsync(JsonSerializer.Serialize(order).AsMemory(), CancellationToken.None);
            await _process.StandardInput.FlushAsync(CancellationToken.None);
            answer = await ReadAsync();
        }
        catch (Exception reason) when (reason is IOException or InvalidOperationException or JsonException)
        {
            // It has ended, or has said what nobody asked it.
        }

        await over.CancelAsync();
        string beyond = await watched;
        if (answer is { IsLast: false } && IsWhole(answer))
        {
            return answer;
        }

        Kill();
        return answer is { IsLast: true, Problem.Length: > 0 } ? answer
            : new CheckAnswer($"{ScenarioChecker.Origin}: it cannot be checked: {(beyond.Length > 0 ? beyond : "its process ended")}");
    }

    /// <summary>Ends the process at once.</summary>
    public void Kill()
    {
        IsThere = false;
        OwnProgram.Kill(_process);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Kill();
        Leftovers.Forget(_kill);
        _process.Dispose();
    }

    private static bool IsWhole(CheckAnswer answer) =>
        answer is { Problem: not null, Name: not null, Text: not null, Bytes: >= 0, SharedBytes: >= 0, InAll: >= 0 }
        && answer.SharedBytes <= answer.Bytes && answer.UntilSeconds is >= 0 and <= JobBounds.SecondsMost;

    /// <summary>A line of the process, as far as it may be long.</summary>
    private async Task<CheckAnswer?> ReadAsync()
    {
        StringBuilder line = new();
        char[] some = ArrayPool<char>.Shared.Rent(1 << 14);
        try
        {
            while (line.Length <= AnswerMax)
            {
                int count = await _process.StandardOutput.ReadAsync(some.AsMemory(), CancellationToken.None);
                int end = some.AsSpan(0, count).IndexOf('\n');
                line.Append(some, 0, end < 0 ? count : end);
                if (end >= 0)
                {
                    return JsonSerializer.Deserialize<CheckAnswer>(line.ToString());
                }

                if (count == 0)
                {
                    break;
                }
            }

            return null;
        }
        finally
        {
            ArrayPool<char>.Shared.Return(some);
        }
    }

    /// <summary>Ends the process when it takes too much for one check.</summary>
    /// <returns>Of what; empty if it does not.</returns>
    private async Task<string> WatchAsync(CancellationToken over)
    {
        long begun = Stopwatch.GetTimestamp();
        using PeriodicTimer timer = new(Watch);
        try
        {
            while (await timer.WaitForNextTickAsync(over))
            {
                if (Beyond(Stopwatch.GetElapsedTime(begun)) is { Length: > 0 } found)
                {
                    Kill();
                    return found;
                }
            }
        }
        catch (OperationCanceledException)
        {
            Beyond(TimeSpan.Zero);
        }

        return "";
    }

    private string Beyond(TimeSpan elapsed)
    {
        try
        {
            _process.Refresh();
            TimeSpan spent = _process.TotalProcessorTime;
            if (elapsed == TimeSpan.Zero)
            {
                _spent = spent;
                return "";
            }

            return spent - _spent > _limits.Processor ? $"it takes more than {_limits.Processor.TotalSeconds:0} s of a processor"
                : elapsed > _limits.Wall ? $"it takes more than {_limits.Wall.TotalSeconds:0} s"
                : _process.WorkingSet64 > _limits.MemoryBytes ? "it takes more memory than a check may"
                : "";
        }
        catch (Exception reason) when (reason is InvalidOperationException or Win32Exception)
        {
            // It has ended already.
            return "";
        }
    }
}
