namespace VmSim.Testing;

/// <summary>
/// Waits for what must come. Tests wait for events and never for a time; the bound is so long that only a hang reaches it, on however slow
/// or busy a machine.
/// </summary>
public static class HangGuard
{
    /// <summary>After this time what a test waits for never comes.</summary>
    public static TimeSpan Limit { get; } = TimeSpan.FromMinutes(30);

    /// <summary>The task, or a <see cref="TimeoutException"/> if it hangs.</summary>
    public static Task OrHangAsync(this Task task) => task.WaitAsync(Limit);

    /// <summary>The task, or a <see cref="TimeoutException"/> if it hangs.</summary>
    public static Task<T> OrHangAsync<T>(this Task<T> task) => task.WaitAsync(Limit);

    /// <summary>Waits until something is so.</summary>
    /// <exception cref="TimeoutException">It never becomes so.</exception>
    public static void Until(Func<bool> condition)
    {
        if (!SpinWait.SpinUntil(condition, Limit))
        {
            throw new TimeoutException($"what a test waits for has not come within {Limit}");
        }
    }
}
