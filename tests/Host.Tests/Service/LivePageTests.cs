using System.Net;
using System.Net.Http.Json;
using VmSim.Host.Service;
using VmSim.Host.Tests.CommandLine;
using VmSim.Host.Tests.Reporting;
using VmSim.Testing;
using Xunit.Abstractions;

namespace VmSim.Host.Tests.Service;

/// <summary>The page of a job that runs, with a process of its own, in a real browser and for programs.</summary>
public sealed class LivePageTests(ITestOutputHelper output) : IAsyncLifetime
{
    /// <summary>Cores that unmap what others have touched, for longer than any test takes.</summary>
    private const string Scenario =
        """
        name = endless
        machine.cores = 4
        processes = [{ name = a, program = map-touch-unmap, threads = 4, iterations = 1000000000, pages = 16 }]
        """;

    private const string Accesses = "#live tr:nth-child(2) td";

    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-live-").FullName;
    private readonly CancellationTokenSource _stop = new();
    private OneService _service = null!;
    private Task _runs = Task.CompletedTask;

    public async Task InitializeAsync()
    {
        _service = await OneService.StartAsync(_folder);
        _runs = _service.Host.RunAsync(_stop.Token);
        JobReceipt receipt = await _service.SubmitAsync(new JobRequest(
            "endless",
            [new RunRequest("", Scenario, [])],
            Bounds: new JobBounds(VirtualSeconds: 3600),
            Needs: new JobBounds(1L << 60, null, 7200)));
        Assert.Equal("the run goes on until 120 min of virtual time, 60.0 min are allowed", receipt.Hint);
    }

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await _runs.ContinueWith(_ => { }, TaskScheduler.Default).OrHangAsync();
        await _service.DisposeAsync();
        _stop.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Figures come from the process of the job, for who asks again, and are no more when it is over.</summary>
    [Fact]
    public async Task Figures_OfARunningJob_AreThereUntilItIsOver()
    {
        JobFigures? figures = null;
        HangGuard.Until(() => (figures = FiguresAsync().GetAwaiter().GetResult()) is { } some && some.Total("accesses") > 0);
        Assert.Null(FigureRules.Problem(figures!));
        Assert.Equal((1, 1, 1), (figures!.Domains, figures.DomainsSeen, figures.Lanes));
        Assert.InRange(figures.Total("walks"), 1, FigureRules.NumberMax);
        (_, string said, _) = await CommandRunner.RunAsync("status", "1", "--server", _service.Host.Address, "--token-file", OwnToken());
        Assert.Contains("TLB misses (", said, StringComparison.Ordinal);
        Assert.Contains("of 1 thread at work", said, StringComparison.Ordinal);
        using HttpResponseMessage cancelled = await _service.Http.PostAsync(new Uri("/api/v1/jobs/1/cancel", UriKind.Relative), null);
        cancelled.EnsureSuccessStatusCode();
        using HttpResponseMessage over = await _service.Http.GetAsync(new Uri("/api/v1/jobs/1/figures", UriKind.Relative));
        Assert.Equal(HttpStatusCode.NotFound, over.StatusCode);
        Assert.Contains("it is cancelled", await over.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(1600)]
    public void Page_OfARunningJob_HasItsChartsAnew(int width)
    {
        if (TestBrowser.Missing is { } missing)
        {
            output.WriteLine($"no browser has shown the page, since {missing}");
            Assert.NotEmpty(_service.Token);
            return;
        }

        using TestBrowser shown = new(_folder, width);
        shown.SignIn(_service.Host.Address, _service.Token);
        shown.Open(_service.Host.Address + "/jobs/1");
        shown.Console();
        Assert.True(shown.Is("window.isSame = true"));

        // Waits for the job to begin and to tell its figures, which come into the same page.
        shown.Until("document.querySelectorAll('#live figure svg').length >= 2");
        Assert.Contains("TLB misses", shown.TextOf("#live figure"), StringComparison.Ordinal);
        Assert.Contains("bounded by", shown.TextOf("#live table"), StringComparison.Ordinal);
        shown.AssertFits();

        // A later reading takes the place of the first one, in the same page.
        AssertGoesOn(shown);
        Assert.True(shown.Is("window.isSame"));

        // What has the keys stands still, and what has not does not.
        shown.TabTo("main form button");
        AssertGoesOn(shown);
        Assert.True(shown.HasKeys("main form button"));
        shown.TabTo("#live figure");
        Assert.True(shown.HasKeys("#live figure"));
        Assert.Empty(shown.Console());
    }

    /// <summary>The count of accesses is another one after a while.</summary>
    private static void AssertGoesOn(TestBrowser shown)
    {
        string first = shown.TextOf(Accesses);
        HangGuard.Until(() => shown.TextOf(Accesses) != first);
    }

    private string OwnToken()
    {
        string path = Path.Combine(_folder, "ada.token");
        File.WriteAllText(path, _service.Token);
        return path;
    }

    private async Task<JobFigures?> FiguresAsync()
    {
        using HttpResponseMessage answer = await _service.Http.GetAsync(new Uri("/api/v1/jobs/1/figures", UriKind.Relative));
        return answer.StatusCode == HttpStatusCode.OK
            ? await answer.Content.ReadFromJsonAsync<JobFigures>(ServiceJson.Options)
            : null;
    }
}
