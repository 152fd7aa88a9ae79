namespace VmSim.Host.Service;

/// <summary>
/// Whose turn it is, of split jobs and of others. A split job that waits keeps nodes from others, so one waits at a time. When it has begun
/// on some nodes, as many other jobs go before the next one, so that neither kind waits for ever for the other.
/// </summary>
internal sealed class GangTurns
{
    private int _owed;

    /// <summary>Whether a split job is next.</summary>
    /// <param name="split">Priority of the next split job.</param>
    /// <param name="whole">Priority of the next other job; null if none waits.</param>
    public bool IsNext(int split, int? whole) => whole is null || split > whole || (split == whole && _owed == 0);

    /// <summary>A split job has begun.</summary>
    /// <param name="nodes">On how many nodes.</param>
    public void Begun(int nodes) => _owed = nodes;

    /// <summary>Another job has begun.</summary>
    public void WholeBegun() => _owed = Math.Max(0, _owed - 1);
}
