using System.Diagnostics;
using VmSim.Actors.Simulation;
using VmSim.Core.Checkpoints;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Settings;

namespace VmSim.Actors.Running;

/// <summary>
/// A run in pieces. Each ends at the end of a window of every domain, where all that is simulated is in the models: a checkpoint may be
/// kept there, and the next piece goes on with the same world, and perhaps on other lanes.
/// </summary>
/// <param name="world">The world.</param>
/// <param name="checkpoints">When it is written down.</param>
/// <param name="lanes">The lanes of each piece.</param>
internal sealed class RunPieces(World world, RunCheckpoints checkpoints, LaneChoice lanes)
{
    private readonly long _latestEnd = world.Scenario.LatestEnd;

    /// <summary>Puts the world to where the run goes on.</summary>
    /// <exception cref="ScenarioException">The checkpoint is damaged, of another build or world, or behind the end of the run.</exception>
    public void Restore()
    {
        if (checkpoints.From is null)
        {
            return;
        }

        Restore(world, checkpoints.From, checkpoints.FromName);
    }

    /// <summary>Puts a world to where a run goes on.</summary>
    /// <param name="world">The world, at time 0.</param>
    /// <param name="from">The checkpoint; it can seek, and ends with it.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="ScenarioException">The checkpoint is damaged, of another build or world, or behind the end of the run.</exception>
    public static void Restore(World world, Stream from, string name)
    {
        try
        {
            Checkpoint.Restore(world, from);
        }
        catch (Exception reason) when (reason is InvalidDataException or IOException)
        {
            throw new ScenarioException($"{name}: {reason.Message}", reason);
        }

        long reached = world.Cores.Max(core => core.Now.Value);
        long end = world.Scenario.LatestEnd;
        if (reached > end)
        {
            throw new ScenarioException($"{name}: the run has come to cycle {reached} there; until = {end} lies before it");
        }
    }

    /// <summary>Runs piece after piece, to the end or until it is cancelled.</summary>
    /// <param name="run">Runs a piece up to a virtual time in cycles, or until it is cancelled.</param>
    /// <param name="cancellation">Ends the run at the end of a window; what it has come to is kept.</param>
    public async Task<SimulationProtocol.Finished> RunAsync(
        Func<long, CancellationToken, Task<SimulationProtocol.Finished>> run, CancellationToken cancellation)
    {
        TimeSpan period = checkpoints.Period;
        Stopwatch sinceKept = Stopwatch.StartNew();
        long windows = 0;
        long windowsSinceKept = 0;

        // What cores send at time 0 is in nobody's inbox before the first piece, so that nothing could be seen of what comes.
        long next = checkpoints.From is null ? 0 : NextEvent();
        while (true)
        {
            using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            Stopwatch ofPiece = Stopwatch.StartNew();
            if (LongestOf(period, sinceKept.Elapsed) is { } longest)
            {
                stop.CancelAfter(longest);
            }

            SimulationProtocol.Finished piece = await run(EndOfPiece(next), stop.Token);
            windows += piece.Windows;
            windowsSinceKept += piece.Windows;
            next = NextEvent();
            lanes.End(piece.Windows, piece.LanesLose, ofPiece.Elapsed);
            bool isViolated = world.Checker is { Violated: true };
            bool isOver = (piece.Completed || isViolated) && next >= _latestEnd;
            bool isPeriodOver = period > TimeSpan.Zero && sinceKept.Elapsed >= period;
            if (!isOver && !isViolated && (piece.Completed || isPeriodOver || cancellation.IsCancellationRequested))
            {
                checkpoints.Keep?.Invoke(Save);
                sinceKept.Restart();

                // A large world takes longer to begin than a short period lasts, and must come farther all the same.
                period += isPeriodOver && windowsSinceKept == 0 ? period : TimeSpan.Zero;
                windowsSinceKept = 0;
            }

            if (isOver || cancellation.IsCancellationRequested)
            {
                return new SimulationProtocol.Finished(isOver && !isViolated, windows);
            }
        }
    }

    /// <summary>How long the next piece lasts at most; null for as long as it takes.</summary>
    private TimeSpan? LongestOf(TimeSpan period, TimeSpan sinceKept)
    {
        TimeSpan? left = period > TimeSpan.Zero ? TimeSpan.FromTicks(Math.Max(0, (period - sinceKept).Ticks)) : null;
        return left is null || lanes.Limit < left ? lanes.Limit ?? left : left;
    }

    private void Save(Stream stream)
    {
        try
        {
            Checkpoint.Save(world, stream);
        }
        catch (NotSupportedException reason)
        {
            throw new ScenarioException($"a checkpoint cannot be written: {reason.Message}", reason);
        }
    }

    private long EndOfPiece(long next)
    {
        long period = checkpoints.PeriodCycles;
        return period == 0 || next >= _latestEnd ? long.MaxValue : ((Math.Max(0, next) / period) + 1) * period;
    }

    /// <summary>
    /// The earliest virtual time at which a window could begin, in cycles, while no piece runs. Domains in which a rule was broken open
    /// none.
    /// </summary>
    private long NextEvent()
    {
        long next = long.MaxValue;
        foreach (Domain domain in world.Domains.Where(domain => world.Checker?.ViolatedIn(domain.Index) is not true))
        {
            foreach (CoreModel core in domain.Cores)
            {
                next = Math.Min(next, core.NextTime.Value);
            }

            foreach (SpaceGroup group in domain.Groups)
            {
                long due = group.NextDue.Value;
                next = due == long.MaxValue ? next : Math.Min(next, due - world.Delays.CoreToSpace.Value);
            }
        }

        return next;
    }
}
