namespace VmSim.Host.Service;

/// <summary>What makes a job: a process of this machine, or a node.</summary>
internal interface IJobMaker : IDisposable
{
    /// <summary>Where it is, as the job's log says it: "process 4711", "node box2".</summary>
    string Where { get; }

    /// <summary>Waits for the end.</summary>
    /// <param name="progress">Takes how far the job is.</param>
    /// <param name="figures">Takes how it stands, while somebody looks.</param>
    /// <param name="log">Takes what belongs into its log.</param>
    Task<JobEnding> WaitAsync(Action<JobProgress> progress, Action<JobFigures> figures, Action<string> log);

    /// <summary>Somebody looks at the job: for some seconds its figures are wanted.</summary>
    void Look();

    /// <summary>The service ends: a process writes a last checkpoint and ends, a node goes on alone.</summary>
    void Stop();

    /// <summary>Ends it at once.</summary>
    void Kill();
}

/// <summary>How an attempt at a job ended.</summary>
/// <param name="Answer">What its process answered; null if there is no answer.</param>
/// <param name="Death">Why there is none.</param>
/// <param name="IsLost">Whether the node is to blame, and not the job.</param>
/// <param name="IsDetached">Whether it has not ended: the service ends, and the node goes on.</param>
internal sealed record JobEnding(JobAnswer? Answer, string Death, bool IsLost = false, bool IsDetached = false);
