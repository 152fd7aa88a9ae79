namespace VmSim.Host.Files;

/// <summary>
/// What must not stay behind if this process ends early: files that are not whole yet, folders for a while, and child processes.
/// </summary>
internal static class Leftovers
{
    private static readonly Lock Gate = new();

    /// <summary>
    /// In the order in which they were noted. No assembly is loaded to go through it: there may be no descriptor left for one.
    /// </summary>
    private static readonly List<Action> Removals = [];

    /// <summary>Notes how something is removed, until it is dealt with.</summary>
    /// <param name="remove">Removes it; may be called from any thread.</param>
    public static void Add(Action remove)
    {
        lock (Gate)
        {
            Removals.Remove(remove);
            Removals.Add(remove);
        }
    }

    /// <summary>It is dealt with.</summary>
    public static void Forget(Action remove)
    {
        lock (Gate)
        {
            Removals.Remove(remove);
        }
    }

    /// <summary>Does what must not be cut in two: <see cref="RemoveAll"/> waits until it is done.</summary>
    public static void Whole(Action work)
    {
        lock (Gate)
        {
            work();
        }
    }

    /// <summary>
    /// Removes all that is noted, as well as it can: what was noted last first, since files lie in folders that were made before them.
    /// </summary>
    public static void RemoveAll()
    {
        lock (Gate)
        {
            while (Removals.Count > 0)
            {
                Action remove = Removals[^1];
                Removals.RemoveAt(Removals.Count - 1);
                try
                {
                    remove();
                }
                catch (Exception reason) when (reason is IOException or UnauthorizedAccessException or InvalidOperationException)
                {
                    // The process ends; what cannot be removed stays.
                }
            }
        }
    }
}
