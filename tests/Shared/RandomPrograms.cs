using CsCheck;
using VmSim.Core.Kernel;
using VmSim.Core.Machine;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Core.Workloads;

namespace VmSim.Tests.Shared;

/// <summary>Scenarios drawn at random: few cores, several threads that map, touch, protect and unmap the same pages, sleep, lock and migrate.</summary>
public static class RandomPrograms
{
    private static readonly Gen<(int Kind, int Page, int Count)> Step = Gen.Select(Gen.Int[0, 15], Gen.Int[0, 40], Gen.Int[1, 30]);

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
        let kernel = new KernelProfile
        {
            Traps = park ? TrapModes.Park : TrapModes.Hold,
            TimeSliceCycles = slice,
            TickCycles = tick,
            PerVmaLocks = areaLocks,
            LruBatch = batch,
            FreePageBatch = batch,
        }
        select Build(cores, two ? [first, second] : [first], kernel, protocol) with { Memory = new MemorySpec { Shared = shared } };

    private static ScenarioSpec Build(int cores, (int Kind, int Page, int Count)[][][] processes, KernelProfile kernel, string protocol) => new()
    {
        Name = "random",
        Machine = new MachineSpec { Cores = cores, Sockets = cores > 2 ? 2 : 1 },
        Shootdown = new ShootdownSpec { Protocol = protocol },
        Kernel = kernel,
        Processes = [.. processes.Select((threads, index) => new ProcessSpec
        {
            Name = $"p{index}",
            Program = _ => TestWorlds.Image([.. threads.Select((steps, number) => Thread(number, steps))]),
        })],
    };

    private static ThreadProgram Thread(int number, (int Kind, int Page, int Count)[] steps)
    {
        ThreadBuilder thread = new($"t{number}");
        foreach ((int kind, int page, int count) in steps)
        {
            Write(thread, kind, TestWorlds.Page(page), count);
        }

        return thread.Build();
    }

    private static void Write(ThreadBuilder thread, int kind, ulong address, int count)
    {
        switch (kind)
        {
            case 0 or 1 or 2:
                thread.Load(address, count);
                break;
            case 3 or 4 or 5:
                thread.Store(address, count);
                break;
            case 6:
                thread.Touch(address, count);
                break;
            case 7:
                thread.Compute(count * 100);
                break;
            case 8:
                thread.Unmap(address, count);
                break;
            case 9:
                thread.Map(address, count);
                break;
            case 10:
                thread.Protect(address, count, Protection.Read);
                break;
            case 11:
                thread.Protect(address, count, Protection.Read | Protection.Write);
                break;
            case 12:
                thread.Advise(address, count, Advice.DontNeed);
                break;
            case 13:
                thread.Control(ControlKind.Lock, 0).Store(address).Control(ControlKind.Unlock, 0);
                break;
            case 14:
                thread.Control(ControlKind.Sleep, (ulong)count * 500);
                break;
            default:
                thread.Control(ControlKind.Yield);
                break;
        }
    }
}
