using VmSim.Core.Exploring;
using VmSim.Core.Shootdown;
using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Actors.Exploring;

/// <summary>What was found of many worlds.</summary>
/// <param name="State">How far it came.</param>
/// <param name="IsWhole">Whether all worlds are done; false where it was stopped or a rule was broken.</param>
/// <param name="Failure">The failure of the first world that has one, made small; null for none.</param>
public sealed record ExploreResult(ExploreState State, bool IsWhole, OrderFailure? Failure);

/// <summary>Explores worlds on several threads.</summary>
/// <param name="world">The world whose threads every other one replaces.</param>
/// <param name="protocol">The shootdown protocol; null for the one that the world names.</param>
/// <param name="limits">How far the orders of each are tried.</param>
public sealed class ExploreRunner(SmallWorld world, IShootdownProtocol? protocol, ExploreLimits limits)
{
    /// <summary>Worlds that a thread takes at once.</summary>
    private const int Portion = 16;

    private readonly Lock _gate = new();
    private readonly SortedDictionary<long, (long Count, long Schedules, long States)> _done = [];
    private IEnumerator<IReadOnlyList<IReadOnlyList<ScriptStep>>> _worlds = Enumerable.Empty<IReadOnlyList<IReadOnlyList<ScriptStep>>>()
        .GetEnumerator();

    private long _taken;
    private bool _isOver;
    private long _failedAt = long.MaxValue;
    private OrderFailure? _failure;
    private ExploreState _state = new("", 0, 0, 0);

    /// <summary>Runs until all worlds are done, a rule is broken or it is stopped.</summary>
    /// <param name="worlds">The worlds, always in the same order.</param>
    /// <param name="from">How far it has come before.</param>
    /// <param name="threads">Threads that work.</param>
    /// <param name="progress">Hears how far it has come, after each portion; may be called from several threads at once.</param>
    /// <param name="cancellation">Stops it; what was done by then is kept.</param>
    public async Task<ExploreResult> RunAsync(
        IEnumerable<IReadOnlyList<IReadOnlyList<ScriptStep>>> worlds,
        ExploreState from,
        int threads,
        IProgress<ExploreState>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(worlds);
        ArgumentNullException.ThrowIfNull(from);
        _state = from;
        _taken = from.Worlds;
        _worlds = worlds.Skip((int)from.Worlds).GetEnumerator();
        Task[] workers =
            [.. Enumerable.Range(0, threads).Select(_ => Task.Factory.StartNew(
                () => Work(progress, cancellation), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        await Task.WhenAll(workers);
        _worlds.Dispose();
        OrderFailure? failure = _failure is null ? null : new Shrinker(protocol, limits).Shrink(_failure, cancellation);
        return new ExploreResult(_state, failure is null && _isOver && _done.Count == 0 && !cancellation.IsCancellationRequested, failure);
    }

    private void Work(IProgress<ExploreState>? progress, CancellationToken cancellation)
    {
        using OrderExplorer explorer = new(protocol, limits);
        List<IReadOnlyList<IReadOnlyList<ScriptStep>>> portion = [];
        while (Take(portion, out long first) && !cancellation.IsCancellationRequested)
        {
            long schedules = 0;
            long states = 0;
            for (int i = 0; i < portion.Count && first + i < Volatile.Read(ref _failedAt); i++)
            {
                try
                {
                    OrderResult result = explorer.Explore(world with { Threads = portion[i] }, cancellation);
                    schedules += result.Schedules;
                    states += result.States;
                    if (result.Failure is { } failure)
                    {
                        Fail(first + i, failure);
                    }
                }
                catch (OperationCanceledException)
                {
                    return;
                }
            }

            ExploreState state = Add(first, portion.Count, schedules, states);
            progress?.Report(state);
        }
    }

    /// <summary>Takes the next worlds, if there are any before one that has failed.</summary>
    private bool Take(List<IReadOnlyList<IReadOnlyList<ScriptStep>>> portion, out long first)
    {
        portion.Clear();
        lock (_gate)
        {
            first = _taken;
            while (portion.Count < Portion && !_isOver && first < _failedAt)
            {
                _isOver = !_worlds.MoveNext();
                if (!_isOver)
                {
                    portion.Add(_worlds.Current);
                }
            }

            _taken += portion.Count;
        }

        return portion.Count > 0;
    }

    private void Fail(long at, OrderFailure failure)
    {
        lock (_gate)
        {
            if (at < _failedAt)
            {
                _failedAt = at;
                _failure = failure;
            }
        }
    }

    /// <summary>A portion is done: the state grows by all that are done without a gap.</summary>
    private ExploreState Add(long first, int count, long schedules, long states)
    {
        lock (_gate)
        {
            _done.Add(first, (count, schedules, states));
            while (_done.Remove(_state.Worlds, out (long Count, long Schedules, long States) next))
            {
                _state = _state with
                {
                    Worlds = _state.Worlds + next.Count,
                    Schedules = _state.Schedules + next.Schedules,
                    States = _state.States + next.States,
                };
            }

            return _state;
        }
    }
}
