namespace VmSim.Actors.Cluster;

/// <summary>
/// The processes that a run has started as its nodes, and what happens before the run is submitted: a process may die, be frozen, or the
/// run be stopped at any time, also before there is a <see cref="Job"/> that could be told. Each process says once a second that it lives,
/// so that one is named that is frozen before it joins.
/// </summary>
internal sealed class ProcessWatch
{
    private const int NotHeard = -1;
    private readonly SortedDictionary<string, int> _silentSeconds = new(StringComparer.Ordinal);
    private string? _ended;
    private bool _isStopped;

    /// <summary>What to say of processes that have said nothing since their start, when nobody waits for them any longer.</summary>
    public string Unheard => string.Concat(_silentSeconds.Where(process => process.Value == NotHeard)
        .Select(process => $"; {process.Key} has said nothing since its start"));

    /// <summary>A process has been started. It may take its time before it says something first: how long is for the run to say.</summary>
    /// <param name="which">What to call it.</param>
    public void Started(string which) => _silentSeconds.TryAdd(which, NotHeard);

    /// <summary>A process says that it lives.</summary>
    /// <param name="which">What to call it.</param>
    public void Heard(string which) => _silentSeconds[which] = 0;

    /// <summary>A process has ended before the run was submitted.</summary>
    /// <param name="which">What to call it, and how it ended.</param>
    public void EndedEarly(string which) => _ended ??= which;

    /// <summary>The run was stopped before it was submitted.</summary>
    public void StoppedEarly() => _isStopped = true;

    /// <summary>The run has been submitted.</summary>
    /// <returns>What the job has to do for what came before it; null if nothing did.</returns>
    public JobAction? OnSubmitted(Job job) => _ended is { } which ? job.OnLost(which) : _isStopped ? job.OnStop() : null;

    /// <summary>A second has passed.</summary>
    /// <returns>What the job has to do: it has lost a process that has said nothing for too long.</returns>
    public JobAction Tick(Job job)
    {
        foreach (string which in _silentSeconds.Keys.ToList())
        {
            if (_silentSeconds[which] != NotHeard && ++_silentSeconds[which] > SilenceWatch.SecondsMax && !job.IsOver)
            {
                return job.OnMute(which);
            }
        }

        return JobAction.Wait;
    }
}
