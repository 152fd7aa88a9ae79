namespace VmSim.Host.Files;

/// <summary>
/// What must not stay behind if this process ends early: files that are not whole yet, folders for a while, and child processes.
/// </summary>
internal static class Leftovers
{
    private static readonly Lock Gate = new();
    private static readonly Dictionary<Action, long> Removals = [];
    private static long s_noted;

    /// <summary>Notes how something is removed, until it is dealt with.</summary>
    /// <param name="remove">Removes it; may be called from any thread.</param>
    public static void Add(Action remove)
    {
        lock (Gate)
        {
            Removals[remove] = ++s_noted;
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
            foreach (Action remove in Removals.OrderByDescending(noted => noted.Value).Select(noted => noted.Key))
            {
                try
                {
                    remove();
                }
                catch (Exception reason) when (reason is IOException or UnauthorizedAccessException or InvalidOperationException)
                {
                    // The process ends; what cannot be removed stays.
                }
            }

            Removals.Clear();
        }
    }
}
