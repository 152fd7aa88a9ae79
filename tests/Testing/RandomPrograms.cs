using CsCheck;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Testing;

/// <summary>Scenarios drawn at random: few cores, several threads that do random steps on the same pages.</summary>
public static class RandomPrograms
{
    private static readonly Gen<(int Kind, int Page, int Count)> Step = Gen.Select(
        Gen.Int[0, RandomSteps.Weighted.Count - 1], Gen.Int[0, 40], Gen.Int[1, 30]);

    private static readonly Gen<(int Kind, int Page, int Count)[][]> Threads = Step.Array[1, 60].Array[1, 6];

    /// <summary>A scenario of one or two processes.</summary>
    public static Gen<ScenarioSpec> Scenario { get; } =
        from cores in Gen.Int[1, 4]
        from park in Gen.Bool
        from first in Threads
        from second in Threads
        from two in Gen.Bool
        from slice in Gen.Int[2_000, 50_000]
        from tick in Gen.Int[2_000, 300_000]
        from protocol in Gen.Int[0, ShootdownProtocols.All.Count - 1].Select(index => ShootdownProtocols.All[index].Name)
        from areaLocks in Gen.Bool
        from batch in Gen.Int[1, 31]
        from shared in Gen.Bool
        from version in Gen.Int[0, KernelRelease.All.Count - 1].Select(index => KernelRelease.All[index].ToString())
        from paravirtual in Gen.Bool
        from costs in Gen.Int[0, 5_000].Array[4]
        from slow in Gen.Bool
        let kernel = new KernelProfile
        {
            Traps = park ? TrapModes.Park : TrapModes.Hold,
            TimeSliceCycles = slice,
            TickCycles = tick,
            PerVmaLocks = areaLocks,
            LruBatch = batch,
            FreePageBatch = batch,
            Version = version,
            ParavirtualFlush = paravirtual,
            MapLockHandoverCycles = costs[0],
            HandlerInCallCycles = costs[1],
            ColdPageCycles = costs[2],
            FaultAfterRangeCycles = costs[3],
        }
        let scenario = Build(cores, two ? [first, second] : [first], kernel, protocol)
        select scenario with
        {
            Memory = new MemorySpec { Shared = shared },

            // With a slow clock seconds pass, after which cores leave a space's list.
            Machine = slow ? scenario.Machine with { Ghz = 0.0001 } : scenario.Machine,
        };

    private static ScenarioSpec Build(int cores, (int Kind, int Page, int Count)[][][] processes, KernelProfile kernel, string protocol) =>
        new()
        {
            Name = "random",
            Machine = new MachineSpec { Cores = cores, Sockets = cores > 2 ? 2 : 1 },
            Shootdown = new ShootdownSpec { Protocol = protocol, Hypothetical = true },
            Kernel = kernel,
            Processes = [.. processes.Select((threads, index) => new ProcessSpec
        {
            Name = $"p{index}",
            Program = _ => TestWorlds.Image(mayMigrate: true, [.. threads.Select((steps, number) => Thread(number, steps, cores))]),
        })],
        };

    private static ThreadProgram Thread(int number, (int Kind, int Page, int Count)[] steps, int cores)
    {
        RandomSteps writer = new(TestWorlds.Base, cores);
        ThreadBuilder thread = new($"t{number}");
        foreach ((int kind, int page, int count) in steps)
        {
            writer.Write(thread, RandomSteps.Weighted[kind], page, count);
        }

        return thread.Build();
    }
}
