namespace VmSim.Actors.Simulation;

/// <summary>
/// Domains that live wholly on one lane take turns of many windows. The state of one domain's cores then stays in the processor's caches;
/// without turns the states of all domains pass through them in each window. Only the lane's thread uses it.
/// </summary>
/// <param name="windows">Windows of a turn, at least 1.</param>
public sealed class LaneTurns(int windows = LaneTurns.DefaultWindows)
{
    /// <summary>
    /// Windows of a turn of a run: tenths of a second, against milliseconds to fetch a domain's state where the shared cache is full of
    /// others'; calibrated.
    /// </summary>
    public const int DefaultWindows = 16384;

    private readonly Queue<DomainTurn> _waiting = new();
    private bool _isTaken;

    /// <summary>Windows of a turn.</summary>
    public int Windows => windows;

    /// <summary>Whether another domain waits for its turn.</summary>
    public bool IsWanted => _waiting.Count > 0;

    /// <summary>Takes the lane for a domain, or puts the domain into the queue.</summary>
    /// <param name="domain">The domain.</param>
    /// <returns>Whether the turn begins at once; otherwise the domain is called when it does.</returns>
    internal bool TryTake(DomainTurn domain)
    {
        if (_isTaken)
        {
            _waiting.Enqueue(domain);
            return false;
        }

        _isTaken = true;
        return true;
    }

    /// <summary>Ends a turn: the next domain is called.</summary>
    internal void Pass()
    {
        _isTaken = _waiting.TryDequeue(out DomainTurn? next);
        next?.Call();
    }
}
