namespace VmSim.Actors.Cluster;

/// <summary>
/// Tells nodes that are mute from nodes that are slow: a node at work says so once a second. Counts its own ticks, not the time that has
/// passed: a process that was halted for a while, and goes on, finds nobody mute that it has only not listened to.
/// </summary>
/// <param name="nodes">How many nodes there are.</param>
public sealed class SilenceWatch(int nodes)
{
    /// <summary>Seconds of silence after which a node is mute.</summary>
    public const int SecondsMax = 15;

    private readonly int[] _silent = new int[nodes];
    private readonly bool[] _heard = new bool[nodes];

    /// <summary>A node has said something.</summary>
    /// <param name="node">Its number.</param>
    public void Heard(int node)
    {
        _silent[node] = 0;
        _heard[node] = true;
    }

    /// <summary>Whether a node has said nothing yet.</summary>
    /// <param name="node">Its number.</param>
    public bool IsUnheard(int node) => !_heard[node];

    /// <summary>A second has passed.</summary>
    /// <returns>The first node that is mute; null if none is.</returns>
    public int? Tick()
    {
        for (int node = 0; node < _silent.Length; node++)
        {
            _silent[node]++;
        }

        int mute = Array.FindIndex(_silent, seconds => seconds > SecondsMax);
        return mute < 0 ? null : mute;
    }
}
