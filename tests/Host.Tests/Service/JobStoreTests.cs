using VmSim.Host.Service;
using VmSim.Tests.Shared;

namespace VmSim.Host.Tests.Service;

/// <summary>What a store does, whatever database it has; a class for each kind of database says which.</summary>
public abstract class JobStoreTests
{
    /// <summary>Names as people have them, and as those write them who mean harm.</summary>
    private static readonly string[] HostileNames =
    [
        "'; DROP TABLE jobs; --", "$1", "@id", ":id", "?", "%s{0}", "\\'\"\\", "E'\\''", "-- /* */", "ada\u0301 \u202E\U0001F9A5", " ",
        "NULL", "null\0inside", "half\uD800", new('x', JobLimits.NameMax),
    ];

    [Fact]
    public void Jobs_AreThereAfterTheStoreIsOpenedAgain()
    {
        if (Open() is not { } first)
        {
            return;
        }

        using (first)
        {
            Assert.Equal([1L, 2L], Add(first, "ada", "a", "b").Select(job => job.Id));
            Assert.Equal([3L], Add(first, "ben", "c").Select(job => job.Id));
            first.Begin(2, 1);
            first.Log(2, "begun");
            first.Begin(3, 1);
            first.End(3, JobState.Done, "0123456789abcdef", "completed", "");
            first.Beat();
        }

        using JobStore again = Open()!;
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
        Assert.Equal([4L], Add(again, "ben", "d").Select(job => job.Id));
        Assert.False(again.IsTaken);
    }

    /// <summary>What <c>Add</c> answers is what the database has then.</summary>
    [Fact]
    public void Add_SeveralRuns_AreOneSubmission()
    {
        if (Open() is not { } store)
        {
            return;
        }

        using (store)
        {
            Add(store, "ben", "z");
            JobRequest three = Request("a", "b", "a") with { Priority = 7 };
            IReadOnlyList<Job> jobs = store.Add(
                three, "ada", ["a", "b", "a"], request => request == "b" ? ("00", "completed") : null);
            Assert.Equal(jobs, store.OfSubmission(2));
            Assert.Equal([JobState.Queued, JobState.Done, JobState.Queued], jobs.Select(job => job.State));
            Assert.Equal(("00", "completed"), (jobs[1].Digest, jobs[1].Outcome));
            Assert.Equal([1L, 2L, 4L], store.Waiting().Select(job => job.Id));
            Assert.Equal([1L, 2L, 4L], store.Recover().Select(job => job.Id));
        }
    }

    /// <summary>An answer that was lost is asked for again: what was done already is done once.</summary>
    [Fact]
    public void Changes_MadeTwice_AreMadeOnce()
    {
        if (Open() is not { } store)
        {
            return;
        }

        using (store)
        {
            Add(store, "ada", "a");
            for (int i = 0; i < 2; i++)
            {
                store.Begin(1, 1, "one", "00000000000000a1");
            }

            Assert.Equal((JobState.Running, 1, "one", "00000000000000a1"), Place(store));
            for (int i = 0; i < 2; i++)
            {
                store.Requeue(1, "lost", 0);
            }

            Assert.Equal((JobState.Queued, 0, "", ""), Place(store));
            store.Begin(1, 1, "two", "00000000000000b2");
            store.Adopt(1);
            for (int i = 0; i < 2; i++)
            {
                store.End(1, JobState.Failed, "", "", "why");
            }

            Assert.Equal((JobState.Failed, 1, "two", ""), Place(store));
        }

        static (JobState, int, string, string) Place(JobStore store) =>
            store.Find(1) is { } job ? (job.State, job.Attempts, job.Node, job.Lease) : default;
    }

    [Fact]
    public void Names_ThatMeanHarm_AreTexts()
    {
        if (Open() is not { } store)
        {
            return;
        }

        using (store)
        {
            foreach (string name in HostileNames)
            {
                string held = name.Replace('\0', '\uFFFD').Replace('\uD800', '\uFFFD');
                JobRequest request = new(name, [new RunRequest(name, name, [new InputName(name, "00")])]);
                Job job = Assert.Single(store.Add(request, name, [name], _ => null));
                Job found = store.Find(job.Id)!;
                Assert.Equal((held, held, held, held), (found.Name, found.Label, found.Owner, found.Request));
                Assert.Equal(held, store.RunOf(found).Scenario);
                store.Begin(job.Id, 1, name, name);
                store.Log(job.Id, name);
                store.End(job.Id, JobState.Done, name, name, name);
                Assert.Equal(held, Assert.Single(store.LogOf(job.Id)).Text);
                Assert.Equal((held, held), store.ResultFor(name));
                found = store.Find(job.Id)!;
                Assert.Equal((held, held), (found.Node, found.Reason));
            }

            Assert.Equal(HostileNames.Length, store.Counts()[JobState.Done]);
        }
    }

    [Fact]
    public void Log_KeepsTheLastLines()
    {
        if (Open() is not { } store)
        {
            return;
        }

        using (store)
        {
            Add(store, "ada", "a", "b");
            store.Log(2, "another's");
            for (int line = 0; line < JobLimits.LogLinesMax + 5; line++)
            {
                store.Log(1, $"{line}");
            }

            IReadOnlyList<LogLine> lines = store.LogOf(1);
            Assert.Equal(JobLimits.LogLinesMax, lines.Count);
            Assert.Equal(("5", $"{JobLimits.LogLinesMax + 4}"), (lines[0].Text, lines[^1].Text));
            Assert.Single(store.LogOf(2));
        }
    }

    /// <summary>A store over this test's database.</summary>
    /// <returns>The store; null where the machine has no such database, which has been asserted then.</returns>
    private protected abstract JobStore? Open();

    private protected static TimeProvider Clock => new FixedClock(new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));

    private protected static IReadOnlyList<Job> Add(JobStore store, string owner, params string[] names) =>
        store.Add(Request(names), owner, names, _ => null);

    private protected static JobRequest Request(params string[] names) =>
        new("test", [.. names.Select(name => new RunRequest(name, $"text {name}", []))]);
}
