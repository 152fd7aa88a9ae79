using VmSim.Core.Scenarios;

namespace VmSim.Host.Service;

/// <summary>Stops a run that is over its limit of virtual time. Whether a run is does not depend on when it is looked at.</summary>
internal sealed class VirtualLimit : IDisposable
{
    private readonly double? _seconds;
    private readonly CancellationTokenSource _stop;
    private volatile bool _isBeyond;

    /// <summary>Makes a limit.</summary>
    /// <param name="seconds">Virtual time that the run may reach, in seconds; null for no limit.</param>
    /// <param name="stop">Stops the run for other reasons.</param>
    public VirtualLimit(double? seconds, CancellationToken stop)
    {
        _seconds = seconds;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(stop);
    }

    /// <summary>
    /// The limit of a run; none if it ends by itself where the limit is or before, though its last window may end behind.
    /// </summary>
    /// <param name="seconds">Virtual time that a run may reach, in seconds; null for no limit.</param>
    /// <param name="spec">The run.</param>
    public static double? Of(double? seconds, ScenarioSpec spec) =>
        spec.LatestEnd / spec.Machine.Ghz / 1e9 <= seconds ? null : seconds;

    /// <summary>Cancelled when the run is to stop.</summary>
    public CancellationToken Stop => _stop.Token;

    /// <summary>Stops the run if it has come too far, now or before.</summary>
    /// <param name="reached">Virtual time that it has reached, in seconds.</param>
    /// <returns>Whether it has.</returns>
    public bool IsBeyond(double reached)
    {
        if (!_isBeyond && reached > _seconds)
        {
            _isBeyond = true;
            _stop.Cancel();
        }

        return _isBeyond;
    }

    /// <inheritdoc/>
    public void Dispose() => _stop.Dispose();
}
