using VmSim.Core.Addresses;
using VmSim.Core.Kernel;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Engine;

/// <summary>
/// Runs a world on the calling thread, one domain after another: the plainest form of the window loop, and the judge of every other.
/// </summary>
/// <param name="world">The world, at time 0.</param>
/// <param name="window">Length of a window, 1 to the bound; 0 for the bound.</param>
public sealed class SequentialEngine(World world, Cycles window = default)
{
    private readonly long _window = window == Cycles.Zero ? world.Delays.WindowBound.Value : window.Value;
    private readonly long _until = world.Scenario.LatestEnd;

    /// <summary>Windows opened so far.</summary>
    public long Windows { get; private set; }

    /// <summary>Runs all domains to their ends.</summary>
    /// <param name="windows">How many windows it opens at most, of all domains together.</param>
    /// <param name="cancellation">Stops at a window's end.</param>
    /// <returns>Whether the run came to its end.</returns>
    public bool Run(long windows = long.MaxValue, CancellationToken cancellation = default)
    {
        long last = windows > long.MaxValue - Windows ? long.MaxValue : Windows + windows;
        foreach (Domain domain in world.Domains)
        {
            if (!RunDomain(domain, last, cancellation))
            {
                return false;
            }
        }

        return world.Checker is not { Violated: true };
    }

    /// <summary>Runs a domain to its end, or to the window in which the checker found a violation.</summary>
    /// <returns>Whether it came there.</returns>
    private bool RunDomain(Domain domain, long last, CancellationToken cancellation)
    {
        long[] coreNext = new long[domain.Cores.Count];
        long[] groupNext = new long[domain.Groups.Count];
        foreach (CoreModel core in domain.Cores)
        {
            HandOver(domain, core.Outbox);
        }

        while (!cancellation.IsCancellationRequested)
        {
            for (int i = 0; i < coreNext.Length; i++)
            {
                coreNext[i] = domain.Cores[i].NextTime.Value;
            }

            for (int i = 0; i < groupNext.Length; i++)
            {
                groupNext[i] = domain.Groups[i].NextDue.Value;
            }

            WindowPlan plan = WindowPlan.Next(DomainHorizon.Of(coreNext, groupNext), world.Delays, _window, _until);
            if (plan.Finished || world.Checker?.ViolatedIn(domain.Index) is true)
            {
                return true;
            }

            if (Windows == last)
            {
                return false;
            }

            // Cores first, and groups up to a least delay from core to space beyond them. What a core does in the window depends on
            // messages of earlier windows alone, since an answer takes a bound. What a group does depends on all messages before its limit,
            // and only when the cores have run is it certain that no earlier one can still be sent. In the other order a group would run
            // ahead of its cores.
            Windows++;
            long limit = RunCores(domain, plan, coreNext);
            RunGroups(domain, plan.Start.Value, limit + world.Delays.CoreToSpace.Value);
        }

        return false;
    }

    private static long RunCores(Domain domain, WindowPlan plan, long[] coreNext)
    {
        if (plan.Alone >= 0)
        {
            CoreModel core = domain.Cores[plan.Alone];
            long limit = core.RunAlone(plan.CoreLimit).Value;
            HandOver(domain, core.Outbox);
            return limit;
        }

        for (int i = 0; i < coreNext.Length; i++)
        {
            if (coreNext[i] < plan.CoreLimit.Value)
            {
                domain.Cores[i].Run(plan.CoreLimit);
                HandOver(domain, domain.Cores[i].Outbox);
            }
        }

        return plan.CoreLimit.Value;
    }

    private static void RunGroups(Domain domain, long start, long limit)
    {
        foreach (SpaceGroup group in domain.Groups)
        {
            if (group.NextDue.Value < limit)
            {
                group.Process(start, limit);
                foreach (AddressSpace space in group.Members)
                {
                    HandOver(domain, space.Outbox);
                }
            }
        }
    }

    private static void HandOver(Domain domain, Outbox outbox)
    {
        foreach (ref readonly SimMessage message in outbox.Messages)
        {
            domain.Route(message);
        }

        outbox.Clear();
    }
}
