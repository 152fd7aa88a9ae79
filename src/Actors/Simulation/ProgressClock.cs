namespace VmSim.Actors.Simulation;

/// <summary>Says when progress is worth reporting to a person. Nothing simulated depends on it.</summary>
internal sealed class ProgressClock
{
    private const long PeriodMilliseconds = 100;
    private long _next = Environment.TickCount64 + PeriodMilliseconds;

    /// <summary>Whether a period has passed since this was last true.</summary>
    public bool IsDue
    {
        get
        {
            long now = Environment.TickCount64;
            if (now < _next)
            {
                return false;
            }

            _next = now + PeriodMilliseconds;
            return true;
        }
    }
}
