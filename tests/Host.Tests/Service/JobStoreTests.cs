using VmSim.Host.Service;
using VmSim.Testing;
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
            Begin(first, 2);
            Wait(first.LogAsync(2, "begun"));
            Begin(first, 3);
            Assert.True(Wait(first.EndAsync(3, JobState.Done, "0123456789abcdef", "completed", "")));
            first.Beat();
        }

        using JobStore again = Open()!;
        StoreRecovery found = again.Recover();
        Assert.Equal(new WaitingLine(again.Build, "ada", JobLimits.PriorityUsual, false, 2), Assert.Single(found.Waiting));
        Assert.Empty(found.Leased);
        Assert.Equal([1L, 2L], Wait(again.WaitingAsync("ada", JobLimits.PriorityUsual, 0, 10)));
        Job second = again.Find(2)!;
        Assert.Equal((JobState.Queued, 1, 1L, "ada"), (second.State, second.Attempts, second.Submission, second.Owner));
        Assert.Equal("begun", Assert.Single(again.LogOf(2)).Text);
        Assert.Equal("text b", again.RunOf(second).Scenario);
        Job stored = Assert.Single(Wait(again.AddAsync(Request("c"), "ada", ["c"], digest => digest == "0123456789abcdef")));
        Assert.Equal((JobState.Done, "completed"), (stored.State, stored.Outcome));
        Assert.Equal([4L, 3L, 2L, 1L], again.List(null, long.MaxValue, 10).Select(job => job.Id));
        Assert.Equal([1L], again.List(JobState.Queued, 2, 10).Select(job => job.Id));
        Assert.Equal(2, again.Counts()[JobState.Queued]);
        Assert.Equal([5L], Add(again, "ben", "d").Select(job => job.Id));
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
            Add(store, "ben", "b");
            Begin(store, 1);
            Wait(store.EndAsync(1, JobState.Done, "00", "completed", ""));
            Add(store, "ben", "z");
            JobRequest three = Request("a", "b", "a") with { Priority = 7, Bounds = new JobBounds(1L << 30, 60, 0.1) };
            IReadOnlyList<Job> jobs = Wait(store.AddAsync(three, "ada", ["a", "b", "a"], digest => digest == "00"));
            Assert.Equal(jobs, store.OfSubmission(3));
            Assert.Equal([JobState.Queued, JobState.Done, JobState.Queued], jobs.Select(job => job.State));
            Assert.Equal(("00", "completed"), (jobs[1].Digest, jobs[1].Outcome));
            Assert.Equal([3L, 5L], Wait(store.WaitingAsync("ada", 7, 0, 10)));
            Assert.Equal([5L], Wait(store.WaitingAsync("ada", 7, 3, 10)));
            Assert.Equal([3L], Wait(store.WaitingAsync("ada", 7, 0, 1)));
            Assert.Empty(Wait(store.WaitingAsync("ada", JobLimits.PriorityUsual, 0, 10)));
            Assert.Equal(
                [
                    new WaitingLine(store.Build, "ada", 7, false, 2),
                    new WaitingLine(store.Build, "ben", JobLimits.PriorityUsual, false, 1),
                ],
                store.Recover().Waiting.OrderBy(line => line.Owner, StringComparer.Ordinal));
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
            Begin(store, 1, "one", "00000000000000a1");
            Assert.Equal((JobState.Running, 1, "one", "00000000000000a1"), Place(store));
            for (int i = 0; i < 2; i++)
            {
                Wait(store.RequeueAsync(1, "lost", 0));
            }

            Assert.Equal((JobState.Queued, 0, "", ""), Place(store));
            Begin(store, 1, "two", "00000000000000b2");
            Wait(store.AdoptAsync(1, "goes on"));
            Assert.True(Wait(store.EndAsync(1, JobState.Failed, "", "", "why", "noted")));

            // What is over stays as it is, and has no further word in its log.
            Assert.False(Wait(store.EndAsync(1, JobState.Done, "00", "completed", "", "noted")));
            Wait(store.RequeueAsync(1, "lost", 0, "noted"));
            Wait(store.AdoptAsync(1, "noted"));
            Assert.True(Begin(store, 1).WasOver);
            Assert.Equal((JobState.Failed, 1, "two", ""), Place(store));
            Assert.Single(store.LogOf(1), line => line.Text == "noted");
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
                Job job = Assert.Single(Wait(store.AddAsync(request, name, [name], _ => false)));
                Job found = store.Find(job.Id)!;
                Assert.Equal((held, held, held, held), (found.Name, found.Label, found.Owner, found.Request));
                Assert.Equal(held, store.RunOf(found).Scenario);
                Assert.Equal([job.Id], Wait(store.WaitingAsync(name, JobLimits.PriorityUsual, 0, 10)));
                Begin(store, job.Id, name, name);
                Wait(store.LogAsync(job.Id, name));
                Wait(store.EndAsync(job.Id, JobState.Done, name, name, name));
                Assert.Equal(held, store.LogOf(job.Id)[^1].Text);
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
            Wait(store.LogAsync(2, "another's"));
            Wait(Task.WhenAll(Enumerable.Range(0, JobLimits.LogLinesMax + 5).Select(line => store.LogAsync(1, $"{line}"))));

            IReadOnlyList<LogLine> lines = store.LogOf(1);
            Assert.Equal(JobLimits.LogLinesMax, lines.Count);
            Assert.Equal(("5", $"{JobLimits.LogLinesMax + 4}"), (lines[0].Text, lines[^1].Text));
            Assert.Single(store.LogOf(2));
        }
    }

    /// <summary>A job that is made by another, whose result is there, or that is over is not begun.</summary>
    [Fact]
    public void Begin_OfWhatNeedNotBeMade_SaysSo()
    {
        if (Open() is not { } store)
        {
            return;
        }

        using (store)
        {
            Add(store, "ada", "a", "a", "a");
            JobBegun first = Begin(store, 1, "one", "00000000000000a1");
            Assert.Equal((JobState.Running, "text a", "00000000000000a1"), (first.State, first.Run!.Scenario, first.Job!.Lease));
            Assert.Equal(first.Job, store.Find(1)! with { Started = 0 });
            JobBegun second = Wait(store.BeginAsync(new JobBeginning(2, "one", "00000000000000b2", _ => false, request => request != "a")));
            Assert.Equal((JobState.Queued, JobState.Queued), (second.State, store.Find(2)!.State));
            Wait(store.EndAsync(1, JobState.Done, "00", "completed", ""));
            JobBegun third = Wait(store.BeginAsync(new JobBeginning(3, "", "", digest => digest == "00", _ => false)));
            Assert.Equal((JobState.Done, false), (third.State, third.WasOver));
            Assert.Equal((JobState.Done, "00", "completed"), (store.Find(3)!.State, store.Find(3)!.Digest, store.Find(3)!.Outcome));
            Assert.True(Begin(store, 3).WasOver);
            Assert.Null(Begin(store, 99).Job);
            Assert.Equal("begun by node one, attempt 1", Assert.Single(store.LogOf(1)).Text);
            Assert.Equal(1L, Assert.Single(store.Recover().Waiting).Count);
        }
    }

    /// <summary>One change that cannot be made takes none of those with it that are made at the same time.</summary>
    [Fact]
    public async Task Changes_AtTheSameTime_AreMadeEachForItself()
    {
        if (Open() is not { } store)
        {
            return;
        }

        using (store)
        {
            Add(store, "ada", [.. Enumerable.Range(0, 100).Select(job => $"{job}")]);
            Task<JobBegun>[] begun =
            [
                .. Enumerable.Range(1, 100).Select(job => store.BeginAsync(new JobBeginning(
                    job, "", "", _ => false, request => request == "41" ? throw new InvalidDataException("none of it") : true))),
            ];
            await Assert.ThrowsAsync<InvalidDataException>(() => Task.WhenAll(begun).OrHangAsync());
            Assert.Equal([42L], begun.Select((task, i) => (Task: task, Id: i + 1L)).Where(one => one.Task.IsFaulted).Select(one => one.Id));
            Assert.Equal((99L, 1L), (store.Counts()[JobState.Running], store.Counts()[JobState.Queued]));
            Assert.All(store.List(JobState.Running, long.MaxValue, 100), job => Assert.Equal(1, job.Attempts));
        }
    }

    /// <summary>Jobs are of the build that took them in, until another one takes them over.</summary>
    [Fact]
    public void Move_AJobOfAnotherBuild_IsOfThisOne()
    {
        if (Open("old") is not { } first)
        {
            return;
        }

        using (first)
        {
            Add(first, "ada", "a", "b");
            Add(first, "ada", "a");
        }

        using JobStore again = Open("new")!;
        Add(again, "ada", "d");
        Assert.Equal(
            [
                new WaitingLine("old", "ada", JobLimits.PriorityUsual, false, 3),
                new WaitingLine("new", "ada", JobLimits.PriorityUsual, false, 1),
            ],
            again.Recover().Waiting.OrderByDescending(line => line.Build, StringComparer.Ordinal));
        Assert.Equal([1L, 2L, 3L], Wait(again.WaitingAsync("ada", JobLimits.PriorityUsual, 0, 10, build: "old")));
        Assert.Equal([4L], Wait(again.WaitingAsync("ada", JobLimits.PriorityUsual, 0, 10)));
        Wait(again.MoveAsync(1));
        Wait(again.MoveAsync(2));
        Job moved = again.Find(2)!;
        Assert.Equal(("new", RequestDigest.Of(again.RunOf(moved), "new")), (moved.Build, moved.Request));
        Assert.Equal("text b", again.RunOf(moved).Scenario);
        Assert.Equal("no node of build old is left; it is for build new now, and begins anew", Assert.Single(again.LogOf(2)).Text);
        Assert.Equal(("old", "text a"), (again.Find(3)!.Build, again.RunOf(again.Find(3)!).Scenario));
        Assert.Equal([1L, 2L, 4L], Wait(again.WaitingAsync("ada", JobLimits.PriorityUsual, 0, 10)));

        // What is over stays what it was, and nothing is said twice.
        Wait(again.MoveAsync(2));
        Assert.Single(again.LogOf(2));
        Wait(again.EndAsync(3, JobState.Cancelled, "", "", ""));
        Wait(again.MoveAsync(3));
        Assert.Equal("old", again.Find(3)!.Build);
    }

    /// <summary>A store over this test's database.</summary>
    /// <param name="build">The build that it is of; null for this one.</param>
    /// <returns>The store; null where the machine has no such database, which has been asserted then.</returns>
    private protected abstract JobStore? Open(string? build = null);

    private protected static TimeProvider Clock => new FixedClock(new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));

    private protected static IReadOnlyList<Job> Add(JobStore store, string owner, params string[] names) =>
        Wait(store.AddAsync(Request(names), owner, names, _ => false));

    private protected static JobBegun Begin(JobStore store, long job, string node = "", string lease = "") =>
        Wait(store.BeginAsync(new JobBeginning(job, node, lease, _ => false, _ => true)));

    private protected static T Wait<T>(Task<T> task) => task.OrHangAsync().GetAwaiter().GetResult();

    private protected static void Wait(Task task) => task.OrHangAsync().GetAwaiter().GetResult();

    private protected static JobRequest Request(params string[] names) =>
        new("test", [.. names.Select(name => new RunRequest(name, $"text {name}", []))]);
}
