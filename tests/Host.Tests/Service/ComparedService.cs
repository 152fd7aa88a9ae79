using System.Net.Http.Json;
using VmSim.Host.Service;
using VmSim.Testing;

namespace VmSim.Host.Tests.Service;

/// <summary>
/// A service with jobs that are over: 1 and 2 are done and differ, 3 has failed, the results of 4 and 5 are gone and damaged, and the
/// settings of 6 would include a file.
/// </summary>
public sealed class ComparedService : IAsyncLifetime
{
    public const string Evil = "<script>alert(1)</script>";

    private const string Scenario =
        """
        name = small
        machine.cores = 2
        processes = [{ name = a, program = map-touch-unmap, threads = 2, iterations = 20, pages = 4 }]
        """;

    private readonly CancellationTokenSource _stop = new();
    private Task _runs = Task.CompletedTask;

    internal string Folder { get; } = Directory.CreateTempSubdirectory("vmsim-compare-").FullName;

    internal OneService Service { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Service = await OneService.StartAsync(Folder);
        _runs = Service.Host.RunAsync(_stop.Token);
        foreach ((string name, string scenario) in new[]
        {
            ("usual", Scenario),
            (Evil, $"{Scenario}\nshootdown.protocol = latr"),
            ("wrong", "name = x"),
            ("gone", $"{Scenario}\nseed = 4"),
            ("damaged", $"{Scenario}\nseed = 5"),
            ("curious", $"{Scenario}\nseed = 6"),
        })
        {
            await Service.SubmitAsync(new JobRequest(name, [new RunRequest("", scenario, [])]));
        }

        JobView[] jobs = [];
        HangGuard.Until(() =>
        {
            jobs = Service.Http.GetFromJsonAsync<JobView[]>("/api/v1/jobs", ServiceJson.Options).GetAwaiter().GetResult()!;
            return Array.TrueForAll(jobs, job => job.State is JobState.Done or JobState.Failed);
        });
        Directory.Delete(ResultOf(4), recursive: true);
        await File.WriteAllTextAsync(Path.Combine(ResultOf(5), "report.json"), "no report");
        await File.WriteAllTextAsync(Path.Combine(ResultOf(6), "effective.conf"), "include \"/etc/passwd\"");

        string ResultOf(long id) => Service.Store.ResultOf(jobs.Single(job => job.Id == id).Digest);
    }

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await _runs.ContinueWith(_ => { }, TaskScheduler.Default).OrHangAsync();
        await Service.DisposeAsync();
        _stop.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
