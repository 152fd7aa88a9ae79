using VmSim.Host.Service;
using VmSim.Host.Terminal;

namespace VmSim.Host.Tests.Service;

public sealed class JobVerdictTests
{
    private static readonly JobAnswer Done = new("0123456789abcdef", false, "completed", 1, ExitCodes.Ok, "");

    private static readonly JobEnding Killed = new(null, "killed");

    [Fact]
    public void Of_EachEnd_SaysWhatBecomesOfTheJob()
    {
        Assert.Equal(new JobVerdict(JobState.Done, ""), JobVerdict.Of(1, new JobEnding(Done, ""), isStopping: false));
        Assert.Equal(JobState.Done, JobVerdict.Of(1, new JobEnding(Done with { WasThere = true }, ""), isStopping: true).State);
        Assert.Equal(
            new JobVerdict(JobState.Failed, "seed: -1 found"),
            JobVerdict.Of(1, new JobEnding(Done with { Code = ExitCodes.BadInput, Error = "seed: -1 found" }, ""), isStopping: false));

        // A dead process is begun again until it has died often enough that the job is to blame.
        Assert.Equal(new JobVerdict(JobState.Queued, "killed"), JobVerdict.Of(1, Killed, isStopping: false));
        Assert.Equal(JobState.Queued, JobVerdict.Of(JobLimits.AttemptsMax - 1, Killed, isStopping: false).State);
        Assert.Equal(JobState.Failed, JobVerdict.Of(JobLimits.AttemptsMax, Killed, isStopping: false).State);
        JobEnding noMemory = new(Done with { Code = ExitCodes.System, Error = "memory has run out" }, "");
        Assert.Equal(JobState.Failed, JobVerdict.Of(JobLimits.AttemptsMax, noMemory, isStopping: false).State);

        // So is one that ended with a defect, or in which nodes did not reach each other: it may go well the next time.
        JobEnding defect = new(Done with { Code = ExitCodes.Internal, Error = "startup timed out" }, "");
        Assert.Equal(new JobVerdict(JobState.Queued, "startup timed out"), JobVerdict.Of(1, defect, isStopping: false));
        Assert.Equal(JobState.Failed, JobVerdict.Of(JobLimits.AttemptsMax, defect, isStopping: false).State);

        // What the job is not to blame for never counts.
        JobAnswer noRoom = Done with { Code = ExitCodes.System, IsDiskFull = true, Error = "No space left" };
        JobVerdict full = JobVerdict.Of(99, new JobEnding(noRoom, ""), isStopping: false);
        Assert.Equal((JobState.Queued, false, true), (full.State, full.Counts, full.Waits));
        JobAnswer noMemoryNow = Done with { Code = ExitCodes.System, IsMemoryShort = true, Error = "others have it" };
        JobVerdict little = JobVerdict.Of(99, new JobEnding(noMemoryNow, ""), isStopping: false);
        Assert.Equal(new JobVerdict(JobState.Queued, "others have it", Counts: false, Waits: true), little);
        JobVerdict stopped = JobVerdict.Of(99, new JobEnding(null, ""), isStopping: true);
        Assert.Equal((JobState.Queued, false), (stopped.State, stopped.Counts));
        JobVerdict lost = JobVerdict.Of(99, new JobEnding(null, "node a has fallen silent", IsLost: true), isStopping: false);
        Assert.Equal((JobState.Queued, "node a has fallen silent", false), (lost.State, lost.Reason, lost.Counts));
    }
}
