using System.Text.Json;
using System.Threading.Channels;
using VmSim.Actors.Running;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Host.Hosting;
using VmSim.Host.Reporting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Sweeps;

/// <summary>
/// The child's side of a sweep: makes runs that the parent asks for, one after another, and ends with its standard input. A run that the
/// process does not survive takes no other with it, and the code that one run has warmed up serves the next.
/// </summary>
/// <param name="input">Where requests come from, a line each.</param>
/// <param name="output">Where answers go, a line each.</param>
/// <param name="threads">Host threads that simulate.</param>
internal sealed class SweepWorker(TextReader input, TextWriter output, int threads)
{
    /// <summary>Answers requests until there are no more, or a run fails so that the next should have another process.</summary>
    public async Task<int> ServeAsync()
    {
        Channel<string> requests = Channel.CreateUnbounded<string>();
        new Thread(() => Read(requests.Writer)) { IsBackground = true }.Start();
        await using SimulationHost host = await SimulationHost.StartAsync(threads);
        await foreach (string line in requests.Reader.ReadAllAsync())
        {
            SweepRequest request = JsonSerializer.Deserialize<SweepRequest>(line)!;
            SweepAnswer answer;
            try
            {
                answer = await AnswerAsync(request, host);
            }
            catch (Exception reason)
            {
                (int code, string message) = Failures.Explain(reason);
                answer = new SweepAnswer("", false, Environment.WorkingSet, code, message);
            }

            await output.WriteLineAsync(JsonSerializer.Serialize(answer));
            if (answer.Code is not (ExitCodes.Ok or ExitCodes.BadInput or ExitCodes.Usage))
            {
                return answer.Code;
            }
        }

        return ExitCodes.Ok;
    }

    /// <summary>Reads requests; when there are no more the parent is gone or wants no more, whatever this process is at.</summary>
    private void Read(ChannelWriter<string> requests)
    {
        while (input.ReadLine() is { } line)
        {
            requests.TryWrite(line);
        }

        Interruption.End(ExitCodes.Broken);
    }

    private async Task<SweepAnswer> AnswerAsync(SweepRequest request, SimulationHost host)
    {
        ScenarioSpec spec = SweepScenario.Load(request.Scenario, request.Sets, request.FitsSockets);
        string digest = RunDigest.Of(spec);
        string folder = Path.Combine(request.Runs, digest);
        ListFile[] wanted = [.. request.Lists.Select(name => ListFile.All.Find(name)!)];
        bool wasThere = SweepFolder.HasRun(folder, wanted);
        long leftOut = 0;
        if (!wasThere)
        {
            // Lists that it had before are made again too.
            ListFile[] lists = [.. ListFile.All.Where(list => wanted.Contains(list) || File.Exists(Path.Combine(folder, list.FileName)))];
            RunReport report = await host.Runner.RunAsync(
                spec, new RunOptions { Threads = threads, Lists = ListFile.Kept(lists) }, null, CancellationToken.None);
            report = report with { Provenance = RunDigest.Provenance(spec, RunDigest.FromHere) };
            RunFolder.Write(folder, report, RunDigest.Effective(spec), lists);
            leftOut = report.ShootdownsLeftOut + report.OperationsLeftOut;
        }

        using System.Diagnostics.Process own = System.Diagnostics.Process.GetCurrentProcess();
        return new SweepAnswer(digest, wasThere, own.PeakWorkingSet64, ExitCodes.Ok, "", leftOut);
    }
}
