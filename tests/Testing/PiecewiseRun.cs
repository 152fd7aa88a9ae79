using VmSim.Core.Checkpoints;
using VmSim.Core.Engine;
using VmSim.Core.Machine;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;

namespace VmSim.Testing;

/// <summary>Runs a scenario in pieces: each in a world of its own that goes on from the checkpoint of the one before.</summary>
public static class PiecewiseRun
{
    /// <summary>A run is the same with small windows, and in pieces of one window, held or parked in its traps.</summary>
    /// <param name="scenario">What is simulated; its kernel is the default one.</param>
    /// <param name="check">What else holds of the run.</param>
    public static void AssertSameAnyWay(ScenarioSpec scenario, Action<RunReport> check)
    {
        foreach (string traps in (string[])[TrapModes.Hold, TrapModes.Park])
        {
            ScenarioSpec trapped = scenario with { Kernel = new KernelProfile { Traps = traps } };
            RunReport whole = TestWorlds.Run(trapped);
            check(whole);
            Assert.All(new long[] { 100, 313 }, window => Assert.Equal(whole.Fingerprint, TestWorlds.Run(trapped, window).Fingerprint));
            (RunReport piecewise, int checkpoints) = Of(trapped, windows: 1, pieces: 30);
            Assert.Equal(whole.Fingerprint, piecewise.Fingerprint);
            Assert.True(checkpoints > 5, $"{checkpoints} checkpoints were written");
        }
    }

    /// <summary>Runs to the end.</summary>
    /// <param name="scenario">What is simulated.</param>
    /// <param name="windows">Windows of a piece.</param>
    /// <param name="pieces">Pieces at most; the last goes on to the end.</param>
    /// <param name="check">Whether a checker watches.</param>
    /// <param name="protocol">The shootdown protocol; null for the one that the scenario names.</param>
    /// <returns>The report, and how many checkpoints were written.</returns>
    public static (RunReport Report, int Checkpoints) Of(
        ScenarioSpec scenario, long windows, int pieces, bool check = true, IShootdownProtocol? protocol = null)
    {
        World world = new(scenario, check, protocol);
        try
        {
            int written = 0;
            while (true)
            {
                bool finished = new SequentialEngine(world).Run(written < pieces - 1 ? windows : long.MaxValue);
                if (finished || world.Checker is { Violated: true } || written == pieces - 1)
                {
                    return (ReportBuilder.Build(world, finished), written);
                }

                World next = Copy(world, protocol);
                world.Dispose();
                world = next;
                written++;
            }
        }
        finally
        {
            world.Dispose();
        }
    }

    /// <summary>Another world, restored from a checkpoint of this one.</summary>
    public static World Copy(World world, IShootdownProtocol? protocol = null)
    {
        using MemoryStream first = Saved(world);
        World copy = new(world.Scenario, world.Checker is not null, protocol, world.Lists);
        Checkpoint.Restore(copy, first);
        using MemoryStream second = Saved(copy);
        if (!first.ToArray().AsSpan().SequenceEqual(second.ToArray()))
        {
            throw new InvalidOperationException("a world that was restored gives another checkpoint");
        }

        return copy;
    }

    /// <summary>The checkpoint of a world.</summary>
    public static MemoryStream Saved(World world)
    {
        MemoryStream stream = new();
        Checkpoint.Save(world, stream);
        stream.Position = 0;
        return stream;
    }
}
