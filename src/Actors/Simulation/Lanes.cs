using Akka.Configuration;

namespace VmSim.Actors.Simulation;

/// <summary>
/// Lanes: dispatchers with one host thread each. An actor stays on its lane for the whole run, so that its state stays in that processor's
/// caches and it needs no locks.
/// </summary>
public static class Lanes
{
    /// <summary>Most lanes a run can have.</summary>
    public const int Max = 256;

    /// <summary>Messages an actor handles before the lane's thread turns to the next actor.</summary>
    private const int Throughput = 100;

    /// <summary>Configuration of the dispatchers of <paramref name="lanes"/> lanes, to be put before the actor system's own.</summary>
    public static Config Configuration(int lanes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(lanes, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lanes, Max);
        return ConfigurationFactory.ParseString(string.Join('\n', Enumerable.Range(0, lanes).Select(lane =>
            $$"""
            {{Dispatcher(lane)}} {
              type = "VmSim.Actors.Simulation.LaneDispatcherConfigurator, VmSim.Actors"
              throughput = {{Throughput}}
            }
            """)));
    }

    /// <summary>Name of a lane's dispatcher.</summary>
    public static string Dispatcher(int lane) => FormattableString.Invariant($"vmsim.lane-{lane}");

    /// <summary>
    /// The lane of the <paramref name="index"/>-th actor of its kind: the sum of the index's digits to the base of the lanes, modulo the
    /// lanes. Neighbours, and every second, fourth, ... actor, are spread evenly, whatever pattern the work has (the Thue-Morse sequence
    /// for two lanes).
    /// </summary>
    public static int LaneOf(int index, int lanes)
    {
        if (lanes == 1)
        {
            return 0;
        }

        int sum = 0;
        for (int rest = index; rest > 0; rest /= lanes)
        {
            sum += rest % lanes;
        }

        return sum % lanes;
    }
}
