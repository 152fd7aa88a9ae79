using VmSim.Core.Programs;

namespace VmSim.Core.Traces;

/// <content>
/// What ended a thread's sleep. It becomes a <see cref="ControlKind.Wait"/>, in which the thread gives up its core, and not a
/// <see cref="ControlKind.Await"/>, in which it keeps it: the recorded program slept there.
/// </content>
public sealed partial class TraceOrder
{
    /// <summary>
    /// Thread <paramref name="thread"/> sleeps before its operation <paramref name="place"/> until others have come to where they were when
    /// it was awake again.
    /// </summary>
    /// <param name="thread">The thread.</param>
    /// <param name="place">Its next operation.</param>
    /// <param name="wakers">The last operations of others, the one that stands last in the trace first.</param>
    /// <returns>False if there are none that the thread has to wait for; then the sleep is a matter of time.</returns>
    /// <remarks>
    /// All that is known at an operation stands before it in the trace, so one that follows from another follows from a later one: they
    /// are taken from the last on.
    /// </remarks>
    public bool Sleep(int thread, long place, IReadOnlyList<Point> wakers)
    {
        ArgumentNullException.ThrowIfNull(wakers);
        if (order == ReplayOrder.Full)
        {
            return wakers.Count > 0 && _latest.Thread >= 0 && _latest.Thread != thread;
        }

        ThreadClock clock = _threads[thread];
        long[] learned = [];
        bool waits = false;
        foreach (Point point in wakers)
        {
            if (clock.Knows(point) || ThreadClock.Covers(learned, point))
            {
                continue;
            }

            KeepsSleeps = KeepsSleeps && _budget.AllowsSleepOrder(_threads.Count);
            if (!KeepsSleeps)
            {
                break;
            }

            AddWait(thread, place, point, ControlKind.Wait);
            learned = Join(learned, _threads[point.Thread].At(point.Place), point);
            waits = true;
        }

        if (waits)
        {
            clock.Learn(place, learned);
        }

        return waits;
    }

    /// <summary>
    /// Thread <paramref name="thread"/> had no core for a while. A replay that goes on at once comes to its next wait for the order so much
    /// too early: the recorded program did not run on there, so that the thread gives up its core.
    /// </summary>
    public void LeaveCore(int thread) => _threads[thread].WasOffCore = true;

    /// <summary>With the full order: thread <paramref name="thread"/> is awake in its operation <paramref name="place"/>.</summary>
    /// <param name="thread">The thread.</param>
    /// <param name="place">The operation that says so.</param>
    /// <param name="isOrdered">Whether it sleeps until then, and does not only keep to the order.</param>
    public void Awake(int thread, long place, bool isOrdered) =>
        Step(thread, place, place, isOrdered ? ControlKind.Wait : ControlKind.Await);

    /// <summary>What is known, with all that is known once <paramref name="point"/> is done.</summary>
    private static long[] Join(long[] known, long[] before, Point point)
    {
        long[] joined = new long[Math.Max(Math.Max(known.Length, before.Length), point.Thread + 1)];
        known.CopyTo(joined, 0);
        for (int i = 0; i < before.Length; i++)
        {
            joined[i] = Math.Max(joined[i], before[i]);
        }

        joined[point.Thread] = Math.Max(joined[point.Thread], point.Place + 1);
        return joined;
    }
}
