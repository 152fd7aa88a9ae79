using Microsoft.Extensions.Logging.Abstractions;
using VmSim.Host.Hosting;
using VmSim.Host.Service;
using VmSim.Testing;

namespace VmSim.Host.Tests.Service;

/// <summary>What is removed of what is over, whatever database a store has; the clock goes on when it is told to.</summary>
public abstract class RetentionTests : IDisposable
{
    private const int ResultBytes = 1_000;
    private static readonly TimeSpan Day = new(1, 0, 0, 0);
    private static readonly RetentionRules Quarter = new(90 * Day, null, null);

    private readonly string _root = Directory.CreateTempSubdirectory("vmsim-retention-").FullName;
    private readonly MovableClock _clock = new();
    private readonly StoreFolder _folder;

    protected RetentionTests()
    {
        _folder = new StoreFolder(_root);
        _folder.Create();
    }

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing) => Directory.Delete(_root, recursive: true);

    /// <summary>A store over this test's database; null where the machine has none, which has been asserted then.</summary>
    private protected abstract JobStore? Open(TimeProvider clock);

    [Fact]
    public void Pass_WithoutRules_RemovesNothing()
    {
        if (Open(_clock) is not { } store)
        {
            return;
        }

        using (store)
        {
            Make(store, "a");
            _clock.Advance(10_000 * Day);
            Assert.False(Pass(store, RetentionRules.None).IsAny);
            Assert.True(HasResult("a"));
        }
    }

    /// <summary>A result counts anew by whoever asks for the same, and by whoever fetches it; what is removed is made again.</summary>
    [Fact]
    public void Results_ThatNobodyUsedForLong_AreRemovedAndMadeAgain()
    {
        if (Open(_clock) is not { } store)
        {
            return;
        }

        using (store)
        {
            Job[] jobs = [.. ((string[])["a", "b", "c"]).Select(name => Make(store, name))];
            _clock.Advance(60 * Day);
            Assert.Equal(JobState.Done, Submit(store, "a").State);
            Assert.True(_folder.UseResult(DigestOf("b"), _clock.GetUtcNow()));
            _clock.Advance(40 * Day);
            RetentionTally tally = Pass(store, Quarter);
            Assert.Equal((1L, (long)ResultBytes, 0L), (tally.Results, tally.Bytes, tally.Jobs));
            Assert.Equal([true, true, false], ((string[])["a", "b", "c"]).Select(HasResult));
            (string digest, long when) = Assert.Single(store.RemovedOf(jobs));
            Assert.Equal((DigestOf("c"), _clock.GetUtcNow().ToUnixTimeMilliseconds()), (digest, when));
            Assert.Equal(JobState.Done, store.Find(jobs[2].Id)!.State);
            Assert.Contains("was removed on 2026-05-11", ServiceText.Removed(when), StringComparison.Ordinal);
            Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(_root, "removed")));

            Make(store, "c");
            Assert.Empty(store.RemovedOf(jobs));
            Assert.False(Pass(store, Quarter).IsAny);
            _clock.Advance(91 * Day);
            Assert.Equal(3, Pass(store, Quarter).Results);
        }
    }

    /// <summary>The least used go first, whatever their age, but none that was used a moment ago.</summary>
    [Fact]
    public void Results_OfTooManyBytes_AreRemovedFromTheLeastUsedOn()
    {
        if (Open(_clock) is not { } store)
        {
            return;
        }

        using (store)
        {
            RetentionRules budget = new(null, (2 * ResultBytes) + 500, null);
            foreach (string name in (string[])["a", "b", "c", "d", "e"])
            {
                Make(store, name);
                _clock.Advance(new TimeSpan(0, 1, 0));
            }

            Assert.False(Pass(store, budget).IsAny);
            _clock.Advance(Day);
            Assert.True(_folder.UseResult(DigestOf("a"), _clock.GetUtcNow()));
            _clock.Advance(Retention.Grace + new TimeSpan(0, 1, 0));
            Assert.Equal(3, Pass(store, budget).Results);
            Assert.Equal([true, false, false, false, true], ((string[])["a", "b", "c", "d", "e"]).Select(HasResult));
            Assert.False(Pass(store, budget).IsAny);
        }
    }

    /// <summary>More than one step: jobs, logs and scenarios go, and the trace that only they had; what anybody waits for stays.</summary>
    [Fact]
    public void Jobs_ThatWereOverForLong_AreRemovedWithAllThatIsTheirs()
    {
        if (Open(_clock) is not { } store)
        {
            return;
        }

        using (store)
        {
            InputName gone = Trace("1");
            InputName kept = Trace("2");
            string[] many = [.. Enumerable.Range(0, 150).Select(job => $"m{job}")];
            IReadOnlyList<Job> old = Wait(store.AddAsync(Request([gone], many), "ada", many, _ => false));
            foreach (Job job in old)
            {
                Finish(store, job);
            }

            Job alike = Assert.Single(Wait(store.AddAsync(Request([kept], "w1"), "ada", ["w1"], _ => false)));
            Finish(store, alike);
            string[] two = ["w0", "w1"];
            IReadOnlyList<Job> waits = Wait(store.AddAsync(Request([kept], two), "ada", two, _ => false));
            Finish(store, waits[1]);
            Wait(store.LogAsync(old[0].Id, "old"));
            _clock.Advance(400 * Day);
            InputName fresh = Trace("3");
            RetentionTally tally = Pass(store, new RetentionRules(null, null, 365 * Day));

            // The scenario of the one that is alike is another's too, which stays since the one beside it waits.
            Assert.Equal((151L, 150L, 1L, 0L), (tally.Jobs, tally.Scenarios, tally.Inputs, tally.Results));
            Assert.Equal([waits[1].Id, waits[0].Id], store.List(null, long.MaxValue, 100).Select(job => job.Id));
            Assert.Empty(store.LogOf(old[0].Id));
            Assert.Equal(["text w0", "text w1"], waits.Select(job => store.RunOf(job).Scenario));
            Assert.Equal(
                [kept.Digest, fresh.Digest],
                Directory.GetFiles(Path.Combine(_root, "inputs")).Select(Path.GetFileNameWithoutExtension).Order());
            Assert.True(HasResult("m7"));
            Assert.Equal([waits[0].Id], Wait(store.WaitingAsync("ada", JobLimits.PriorityUsual, 0, 10)));
            Assert.False(Pass(store, new RetentionRules(null, null, 365 * Day)).IsAny);

            Finish(store, waits[0]);
            _clock.Advance(366 * Day);
            Assert.Equal(2, Pass(store, new RetentionRules(90 * Day, null, 365 * Day)).Jobs);
            Assert.Empty(store.List(null, long.MaxValue, 100));
            Assert.Empty(store.ScenariosAfter(""));
        }
    }

    /// <summary>
    /// A process that dies after it has hidden a result and before it has said so: nobody takes it for a result, what lies about is
    /// deleted, and the next pass says what has become of it.
    /// </summary>
    [Fact]
    public void Pass_AfterADeathInTheMiddle_FinishesIt()
    {
        if (Open(_clock) is not { } first)
        {
            return;
        }

        Job job;
        using (first)
        {
            job = Make(first, "a");
            _clock.Advance(100 * Day);
            Assert.Null(_folder.HideUnlessUsedAfter(DigestOf("a"), _clock.GetUtcNow().ToUnixTimeMilliseconds()));
        }

        using JobStore next = Open(_clock)!;
        Assert.False(HasResult("a"));
        Assert.Equal(JobState.Queued, Submit(next, "a").State);
        Assert.Equal(1, Pass(next, Quarter).Results);
        Assert.Single(next.RemovedOf([job]));
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(_root, "removed")));
    }

    /// <summary>Of two files of a result that is being written none is touched, nor one that is used at the same moment.</summary>
    [Fact]
    public void Hide_OfWhatSomebodyHas_LeavesIt()
    {
        string digest = DigestOf("a");
        string file = Path.Combine(_folder.ResultOf(digest), "effective.conf");
        Directory.CreateDirectory(_folder.ResultOf(digest));
        File.WriteAllText(file, "half");
        Assert.Null(_folder.HideUnlessUsedAfter(digest, long.MaxValue));
        Assert.True(File.Exists(file));
        Write("a");
        long used = _clock.GetUtcNow().ToUnixTimeMilliseconds();
        Assert.Equal(used, _folder.HideUnlessUsedAfter(digest, used - 1));
        Assert.True(HasResult("a"));
        Assert.Null(_folder.HideUnlessUsedAfter(digest, used));
        Assert.False(File.Exists(file));
    }

    private RetentionTally Pass(JobStore store, RetentionRules rules)
    {
        using ServiceMetrics metrics = new();
        Retention retention = new(_folder, store, rules, metrics, NullLogger<Retention>.Instance, _clock);
        return Wait(retention.PassAsync(CancellationToken.None));
    }

    private Job Make(JobStore store, string name)
    {
        Job job = Submit(store, name);
        Finish(store, job);
        return store.Find(job.Id)!;
    }

    private Job Submit(JobStore store, string name) => Assert.Single(
        Wait(store.AddAsync(Request([], name), "ada", [name], digest => _folder.UseResult(digest, _clock.GetUtcNow()))));

    private void Finish(JobStore store, Job job)
    {
        Wait(store.BeginAsync(new JobBeginning(job.Id, "", "", _ => false, _ => true)));
        string digest = Write(job.Request);
        long bytes = job.Id % 2 == 0 ? -1 : _folder.BytesOfResult(digest);
        Assert.True(Wait(store.EndAsync(job.Id, JobState.Done, digest, "completed", "", "done", bytes)));
    }

    private string Write(string request)
    {
        string digest = DigestOf(request);
        string report = Path.Combine(_folder.ResultOf(digest), "report.json");
        Directory.CreateDirectory(_folder.ResultOf(digest));
        File.WriteAllText(report, new string('x', ResultBytes));
        Assert.True(StoreFolder.TryTouch(report, _clock.GetUtcNow()));
        return digest;
    }

    private bool HasResult(string request) => File.Exists(Path.Combine(_folder.ResultOf(DigestOf(request)), "report.json"));

    private InputName Trace(string digit)
    {
        InputName input = new("a.vmt", new string(digit[0], 64));
        string file = _folder.InputOf(input.Digest, ".vmt");
        File.WriteAllText(file, digit);
        Assert.True(StoreFolder.TryTouch(file, _clock.GetUtcNow()));
        return input;
    }

    private static string DigestOf(string request) =>
        Convert.ToHexStringLower(System.Text.Encoding.UTF8.GetBytes(request)).PadLeft(RunDigest.Length, '0');

    private static JobRequest Request(IReadOnlyList<InputName> inputs, params string[] names) =>
        new("test", [.. names.Select(name => new RunRequest(name, $"text {name}", inputs))]);

    private static T Wait<T>(Task<T> task) => task.OrHangAsync().GetAwaiter().GetResult();

    private static void Wait(Task task) => task.OrHangAsync().GetAwaiter().GetResult();
}
