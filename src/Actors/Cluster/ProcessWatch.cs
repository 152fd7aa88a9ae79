namespace VmSim.Actors.Cluster;

/// <summary>
/// The processes that a run has started as its nodes, and what happens before the run is submitted: a process may die, be frozen, or the
/// run be stopped at any time, also before there is a <see cref="Job"/> that could be told. Each process says once a second that it lives,
/// so that one is named that is frozen before it joins. Before it can say anything, the time that it has been at work on a processor tells
/// a slow one from a frozen one.
/// </summary>
internal sealed class ProcessWatch
{
    private readonly SortedDictionary<string, int> _silentSeconds = new(StringComparer.Ordinal);
    private readonly HashSet<string> _unheard = new(StringComparer.Ordinal);
    private string? _ended;
    private bool _isStopped;

    /// <summary>What to say of processes that have said nothing since their start, when nobody waits for them any longer.</summary>
    public string Unheard => string.Concat(
        _silentSeconds.Keys.Where(_unheard.Contains).Select(which => $"; {which} has said nothing since its start"));

    /// <summary>A process has been started.</summary>
    /// <param name="which">What to call it.</param>
    public void Started(string which)
    {
        if (_silentSeconds.TryAdd(which, 0))
        {
            _unheard.Add(which);
        }
    }

    /// <summary>A process has been at work on a processor, whether it says something or not.</summary>
    /// <param name="which">What to call it.</param>
    public void Moved(string which) => _silentSeconds[which] = 0;

    /// <summary>A process says that it lives.</summary>
    /// <param name="which">What to call it.</param>
    public void Heard(string which)
    {
        _silentSeconds[which] = 0;
        _unheard.Remove(which);
    }

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
            if (++_silentSeconds[which] > SilenceWatch.SecondsMax && !job.IsOver)
            {
                return job.OnMute(which);
            }
        }

        return JobAction.Wait;
    }
}
