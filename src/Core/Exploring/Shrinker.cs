using VmSim.Core.Shootdown;
using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Core.Exploring;

/// <summary>
/// Makes a counterexample small: leaves out threads and steps, and shortens ranges of pages, as long as some order with as many delays or
/// fewer breaks the same rule; then makes each delay as short as it may be.
/// </summary>
/// <param name="protocol">The shootdown protocol; null for the one that scenarios name.</param>
/// <param name="limits">How far orders are tried; of each smaller world as far as the counterexample needed.</param>
public sealed class Shrinker(IShootdownProtocol? protocol, ExploreLimits limits)
{
    /// <summary>The smallest failure that was found from one.</summary>
    /// <param name="failure">The failure.</param>
    /// <param name="cancellation">Stops; what was found by then is returned.</param>
    public OrderFailure Shrink(OrderFailure failure, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(failure);
        using OrderExplorer explorer = new(protocol, limits with { Delays = failure.Schedule.Delays.Count });
        try
        {
            bool isSmaller = true;
            while (isSmaller)
            {
                isSmaller = false;
                foreach (IReadOnlyList<IReadOnlyList<ScriptStep>> threads in Smaller(failure.World))
                {
                    OrderResult result = explorer.Explore(failure.World with { Threads = threads }, cancellation);
                    if (result.Failure is { } found && found.Rule == failure.Rule)
                    {
                        failure = found;
                        isSmaller = true;
                        break;
                    }
                }
            }

            for (int i = 0; i < failure.Schedule.Delays.Count; i++)
            {
                failure = Shorten(failure, i, explorer, cancellation);
            }
        }
        catch (OperationCanceledException)
        {
            return failure;
        }

        return failure;
    }

    /// <summary>Makes one delay as short as the rule stays broken by halves; where that is not so for all between, one that is.</summary>
    private static OrderFailure Shorten(OrderFailure failure, int index, OrderExplorer explorer, CancellationToken cancellation)
    {
        long least = 0;
        long most = failure.Schedule.Delays[index].Extra.Value;
        while (most - least > 1)
        {
            long half = least + ((most - least) / 2);
            OrderDelay[] delays = [.. failure.Schedule.Delays];
            delays[index] = delays[index] with { Extra = half };
            if (explorer.Run(failure.World, new OrderSchedule(delays), cancellation) is { } found && found.Rule == failure.Rule)
            {
                failure = found;
                most = half;
            }
            else
            {
                least = half;
            }
        }

        return failure;
    }

    private static IEnumerable<IReadOnlyList<IReadOnlyList<ScriptStep>>> Smaller(SmallWorld world)
    {
        IReadOnlyList<IReadOnlyList<ScriptStep>> threads = world.Threads;
        for (int i = 0; threads.Count > 1 && i < threads.Count; i++)
        {
            yield return [.. threads.Where((_, thread) => thread != i)];
        }

        for (int i = 0; i < threads.Count; i++)
        {
            for (int step = 0; step < threads[i].Count; step++)
            {
                int left = step;
                yield return With(threads, i, [.. threads[i].Where((_, at) => at != left)]);
                ScriptStep old = threads[i][step];
                if (old.Pages > 1)
                {
                    yield return With(threads, i, [.. threads[i].Select((each, at) => at == left ? old with { Pages = 1 } : each)]);
                }
            }
        }
    }

    private static List<IReadOnlyList<ScriptStep>> With(
        IReadOnlyList<IReadOnlyList<ScriptStep>> threads, int index, IReadOnlyList<ScriptStep> steps) =>
        [.. threads.Select((each, thread) => thread == index ? steps : each)];
}
