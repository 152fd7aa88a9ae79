namespace VmSim.Actors.Running;

/// <summary>
/// How many lanes the pieces of a run have: all, until they lose more than they gain; then one for a while, and all again.
/// </summary>
/// <param name="lanes">All lanes, at least 1.</param>
/// <param name="isFree">Whether there may be fewer.</param>
internal sealed class LaneChoice(int lanes, bool isFree)
{
    /// <summary>How long one lane is kept first, and most: what trying all of them takes is little of that.</summary>
    private static readonly TimeSpan First = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(30);
    private TimeSpan _kept = First;
    private TimeSpan _left;
    private long _windowsSince;
    private bool _isOne;
    private long _windowsOfAll;
    private long _windowsOfOne;

    /// <summary>Lanes of the next piece.</summary>
    public int Lanes => _isOne ? 1 : lanes;

    /// <summary>How long the next piece lasts at most; null if nothing is to be tried behind it.</summary>
    public TimeSpan? Limit => _isOne ? _left : null;

    /// <summary>Whether the next piece ends when its lanes lose more than they gain.</summary>
    public bool MayStop => isFree && Lanes > 1;

    /// <summary>The lanes that had most windows so far.</summary>
    public int Usual => _windowsOfOne > _windowsOfAll ? 1 : lanes;

    /// <summary>A piece has ended.</summary>
    /// <param name="windows">Windows that it opened.</param>
    /// <param name="lanesLose">Whether it ended because its lanes lost.</param>
    /// <param name="lasted">How long it lasted; it may have ended for another reason than <see cref="Limit"/>.</param>
    public void End(long windows, bool lanesLose, TimeSpan lasted)
    {
        _ = _isOne ? _windowsOfOne += windows : _windowsOfAll += windows;
        _windowsSince += windows;
        if (lanesLose)
        {
            _isOne = true;
            Keep(_kept);
        }
        else if (_isOne)
        {
            _left -= lasted;
            if (_left <= TimeSpan.Zero)
            {
                _kept = TimeSpan.FromTicks(Math.Min(2 * _kept.Ticks, Most.Ticks));

                // a large world may not even have begun
                _isOne = _windowsSince == 0;
                Keep(_kept);
            }
        }
    }

    private void Keep(TimeSpan time)
    {
        _left = time;
        _windowsSince = 0;
    }
}
