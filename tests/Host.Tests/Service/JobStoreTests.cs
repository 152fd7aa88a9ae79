using VmSim.Host.Service;
using VmSim.Tests.Shared;

namespace VmSim.Host.Tests.Service;

public sealed class JobStoreTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-store-").FullName;

    private string Database => Path.Combine(_folder, "jobs.db");

    [Fact]
    public void Jobs_AreThereAfterTheStoreIsOpenedAgain()
    {
        using (JobStore store = Open())
        {
            Assert.Equal([1L, 2L], Add(store, "ada", "a", "b").Select(job => job.Id));
            Assert.Equal([3L], Add(store, "ben", "c").Select(job => job.Id));
            store.Begin(2);
            store.Log(2, "begun");
            store.Begin(3);
            store.End(3, JobState.Done, "0123456789abcdef", "completed", "");
        }

        using JobStore again = Open();
        Assert.Equal([1L, 2L], again.Recover().Select(job => job.Id));
        Job second = again.Find(2)!;
        Assert.Equal((JobState.Queued, 1, 1L, "ada"), (second.State, second.Attempts, second.Submission, second.Owner));
        Assert.Equal("begun", Assert.Single(again.LogOf(2)).Text);
        Assert.Equal("text b", again.RunOf(second).Scenario);
        Assert.Equal(("0123456789abcdef", "completed"), again.ResultFor("c"));
        Assert.Null(again.ResultFor("b"));
        Assert.Equal([3L, 2L, 1L], again.List(null, long.MaxValue, 10).Select(job => job.Id));
        Assert.Equal([1L], again.List(JobState.Queued, 2, 10).Select(job => job.Id));
        Assert.Equal(2, again.Counts()[JobState.Queued]);
    }

    [Fact]
    public void Add_WhatTheStoreHas_IsDoneAtOnce()
    {
        using JobStore store = Open();
        Job job = Assert.Single(store.Add(Request("a"), "ada", ["a"], _ => ("00", "completed")));
        Assert.Equal((JobState.Done, "00", "completed"), (job.State, job.Digest, job.Outcome));
        Assert.Empty(store.Recover());
    }

    [Fact]
    public void Log_KeepsTheLastLines()
    {
        using JobStore store = Open();
        Add(store, "ada", "a");
        for (int line = 0; line < JobLimits.LogLinesMax + 5; line++)
        {
            store.Log(1, $"{line}");
        }

        IReadOnlyList<LogLine> lines = store.LogOf(1);
        Assert.Equal(JobLimits.LogLinesMax, lines.Count);
        Assert.Equal(("5", $"{JobLimits.LogLinesMax + 4}"), (lines[0].Text, lines[^1].Text));
    }

    [Fact]
    public void Open_WhatIsNone_IsRefused()
    {
        File.WriteAllText(Database, "this is no database, and long enough to be looked at as one: " + new string('x', 100));
        Assert.Contains(Database, Assert.Throws<IOException>(Open).Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private JobStore Open() => new(Database, new FixedClock(new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero)));

    private static IReadOnlyList<Job> Add(JobStore store, string owner, params string[] names) =>
        store.Add(Request(names), owner, names, _ => null);

    private static JobRequest Request(params string[] names) =>
        new("test", [.. names.Select(name => new RunRequest(name, $"text {name}", []))]);
}
