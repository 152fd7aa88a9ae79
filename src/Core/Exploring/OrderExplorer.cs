using VmSim.Core.Addresses;
using VmSim.Core.Checking;
using VmSim.Core.Engine;
using VmSim.Core.Settings;
using VmSim.Core.Shootdown;
using VmSim.Core.State;

namespace VmSim.Core.Exploring;

/// <summary>What was found of one world.</summary>
/// <param name="Schedules">Runs that were made.</param>
/// <param name="States">Orders that were different.</param>
/// <param name="Failure">The first broken rule; null for none.</param>
public sealed record OrderResult(long Schedules, long States, OrderFailure? Failure);

/// <summary>A run in which a rule was broken.</summary>
/// <param name="World">The world.</param>
/// <param name="Schedule">What came later in it.</param>
/// <param name="Rule">
/// The broken rule in a word; "Deadlock" if threads wait for what nobody will send, "Error" if the model gave up.
/// </param>
/// <param name="Lines">What happened, a line each.</param>
public sealed record OrderFailure(SmallWorld World, OrderSchedule Schedule, string Rule, IReadOnlyList<string> Lines);

/// <summary>
/// Runs a world in every order of its events, up to a number of delays (Emmi, Qadeer and Rakamaric, Delay-bounded scheduling, POPL 2011):
/// first as it is, then with one thing that comes later, and so on. A run whose order is known already leads to nothing new. One object
/// explores one world after another.
/// </summary>
/// <param name="protocol">The shootdown protocol; null for the one that scenarios name.</param>
/// <param name="limits">How far.</param>
public sealed class OrderExplorer(IShootdownProtocol? protocol, ExploreLimits limits) : IDisposable
{
    private readonly RunRecord _record = new();
    private readonly RunOrder _order = new();
    private readonly HashSet<ulong> _states = [];
    private readonly HashSet<ulong> _tried = [];
    private readonly List<OrderDelay> _choices = [];
    private List<(OrderSchedule Schedule, OrderDelay[] Choices)> _level = [];
    private List<(OrderSchedule Schedule, OrderDelay[] Choices)> _next = [];

    /// <summary>The world that runs are made with; null where each run makes its own.</summary>
    private ScriptWorld? _rewound;

    /// <summary>The digests of the orders that the last world had.</summary>
    internal IReadOnlySet<ulong> States => _states;

    /// <summary>Whether runs of the last world were made with one that is put back.</summary>
    internal bool IsRewinding => _rewound is not null;

    /// <summary>Tries the orders of a world until one breaks a rule.</summary>
    /// <exception cref="OperationCanceledException">It was stopped; nothing is known of the world.</exception>
    public OrderResult Explore(SmallWorld world, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(world);
        using KeptBlocks kept = new();
        Rewindable(world);
        _states.Clear();
        _tried.Clear();
        _level.Clear();
        long schedules = 1;
        if (Try(world, OrderSchedule.None, 0, _level, cancellation) is { } plain)
        {
            return new OrderResult(schedules, 1, plain);
        }

        for (int delays = 1; delays <= limits.Delays; delays++)
        {
            _next.Clear();
            foreach ((OrderSchedule schedule, OrderDelay[] choices) in _level)
            {
                foreach (OrderDelay choice in choices)
                {
                    OrderSchedule later = schedule.With(choice);
                    if (!IsNew(_tried, later.Hash))
                    {
                        continue;
                    }

                    schedules++;
                    if (Try(world, later, delays, _next, cancellation) is { } failure)
                    {
                        return new OrderResult(schedules, _states.Count, failure);
                    }
                }
            }

            (_level, _next) = (_next, _level);
        }

        return new OrderResult(schedules, _states.Count, null);
    }

    /// <summary>Runs a world in one order.</summary>
    /// <returns>The broken rule; null for none.</returns>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public OrderFailure? Run(SmallWorld world, OrderSchedule schedule, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(world);
        using World run = new(world.With(schedule), check: true, protocol);
        _record.Begin(run);
        return Run(world, schedule, run, cancellation);
    }

    /// <summary>Runs a world in one order and tells what happened.</summary>
    public RunStory Tell(SmallWorld world, OrderSchedule schedule)
    {
        ArgumentNullException.ThrowIfNull(world);
        using World run = new(world.With(schedule), check: true, protocol);
        _record.Begin(run);
        Run(world, schedule, run, CancellationToken.None);
        return RunStory.Of(_record, world, schedule);
    }

    /// <inheritdoc/>
    public void Dispose() => _rewound?.Dispose();

    /// <summary>Makes one run; if its order is new and it may be delayed further, adds how to the level.</summary>
    private OrderFailure? Try(
        SmallWorld world,
        OrderSchedule schedule,
        int delays,
        List<(OrderSchedule Schedule, OrderDelay[] Choices)> level,
        CancellationToken cancellation)
    {
        if (RunFailure(world, schedule, cancellation) is { } failure)
        {
            return failure;
        }

        _order.Read(_record, world);
        if (IsNew(_states, _order.DigestOf()) && delays < limits.Delays)
        {
            _choices.Clear();
            _order.AddChoices(limits.Longest, _choices);
            _choices.RemoveAll(choice => schedule.Delays.Any(delay => delay.IsSameAs(choice)));
            if (_choices.Count > 0)
            {
                level.Add((schedule, [.. _choices]));
            }
        }

        return null;
    }

    /// <summary>Runs a world in one order, with the one that is put back if there is one.</summary>
    private OrderFailure? RunFailure(SmallWorld world, OrderSchedule schedule, CancellationToken cancellation)
    {
        if (_rewound?.Begin(world, schedule) is { } rewound)
        {
            return Run(world, schedule, rewound, cancellation);
        }

        using World run = new(world.With(schedule), check: true, protocol);
        _record.Begin(run);
        return Run(world, schedule, run, cancellation);
    }

    /// <summary>Makes the world that runs are made with, where the last one does not serve.</summary>
    private void Rewindable(SmallWorld world)
    {
        if (_rewound?.Serves(world) == true)
        {
            return;
        }

        _rewound?.Dispose();
        _rewound = limits.Rewinds && world.IsScript ? ScriptWorld.TryMake(world, protocol, _record) : null;
    }

    private bool IsNew(HashSet<ulong> known, ulong digest) =>
        known.Count < limits.Remembered ? known.Add(digest) : !known.Contains(digest);

    private static OrderFailure? Run(SmallWorld world, OrderSchedule schedule, World run, CancellationToken cancellation)
    {
        bool isOver;
        try
        {
            isOver = new SequentialEngine(run).Run(cancellation: cancellation);
            if (isOver)
            {
                run.Checker!.Finish();
            }
        }
        catch (Exception error) when (error is not (OperationCanceledException or ScenarioException))
        {
            // A protocol may throw anything; whatever it is, this order brought it about.
            return new OrderFailure(world, schedule, "Error", [$"{error.GetType().Name}: {error.Message}"]);
        }

        if (run.Checker!.Violated)
        {
            Violation first = run.Checker.Violations[0];
            return new OrderFailure(world, schedule, first.Rule.ToString(), [.. first.Lines()]);
        }

        cancellation.ThrowIfCancellationRequested();
        return isOver && HasNothingLeft(run) && run.Threads.FirstOrDefault(thread => thread.Ended < 0) is { } stuck
            ? new OrderFailure(world, schedule, "Deadlock", [$"thread {stuck.Name} waits for what nobody will send", .. Waits(run)])
            : null;
    }

    private static bool HasNothingLeft(World run) =>
        run.Cores.All(core => core.NextTime == Cycles.Never) && run.Groups.All(group => group.NextDue == Cycles.Never);

    private static IEnumerable<string> Waits(World run) =>
        run.Cores.SelectMany(core => core.DescribeWaits()).Concat(run.Spaces.SelectMany(space => space.DescribeWaits())).Take(8);
}
