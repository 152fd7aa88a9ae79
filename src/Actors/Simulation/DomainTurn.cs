namespace VmSim.Actors.Simulation;

/// <summary>The turns of one domain on a lane that it shares with others.</summary>
/// <param name="turns">The turns of the lane.</param>
/// <param name="called">Called when a turn begins that the domain had to wait for; answered with <see cref="Begin"/>.</param>
internal sealed class DomainTurn(LaneTurns turns, Action called)
{
    private State _state;
    private int _windowsLeft;

    private enum State
    {
        None,
        Asked,
        Taken,
    }

    /// <summary>Whether the domain may open a window now; if not, it is called when its turn comes.</summary>
    public bool TryBegin()
    {
        if (_state == State.Taken && _windowsLeft-- == 0)
        {
            _windowsLeft = turns.Windows;
            if (turns.IsWanted)
            {
                End();
            }
        }

        if (_state == State.None)
        {
            _windowsLeft = turns.Windows;
            _state = turns.TryTake(this) ? State.Taken : State.Asked;
        }

        return _state == State.Taken;
    }

    /// <summary>The turn that the domain was called for begins.</summary>
    public void Begin() => _state = State.Taken;

    /// <summary>
    /// Gives the turn to the next domain. A turn that was only asked for stays asked for: it is given away once it comes.
    /// </summary>
    public void End()
    {
        if (_state == State.Taken)
        {
            _state = State.None;
            turns.Pass();
        }
    }

    /// <summary>Tells the domain that its turn has come.</summary>
    internal void Call() => called();
}
