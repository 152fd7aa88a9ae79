using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Testing;

/// <summary>Small worlds for tests.</summary>
public static class TestWorlds
{
    /// <summary>An address that test programs map at.</summary>
    public const ulong Base = 0x7f00_0000_0000;

    /// <summary>A scenario of one process with these threads, under the plainest shootdown protocol.</summary>
    public static ScenarioSpec Scenario(int cores, params ThreadProgram[] threads) => new()
    {
        Name = "test",
        Machine = new MachineSpec { Cores = cores },
        Shootdown = new ShootdownSpec { Protocol = "broadcast" },
        Processes = [new ProcessSpec { Name = "p", Program = _ => Image(threads) }],
    };

    /// <summary>A process with these threads and a mapped, untouched area of 256 pages at <see cref="Base"/>.</summary>
    public static ProgramImage Image(params ThreadProgram[] threads) => Image(mayMigrate: false, threads);

    /// <summary>As <see cref="Image(ThreadProgram[])"/>, with threads that may migrate.</summary>
    public static ProgramImage Image(bool mayMigrate, params ThreadProgram[] threads) => new()
    {
        MayMigrate = mayMigrate,
        Name = "p",
        Threads = threads,
        InitialMappings =
        [
            new SystemCall
            {
                Kind = SystemCallKind.Map,
                Start = new VirtAddr(Base),
                Length = 256 << 12,
                Protection = Protection.Read | Protection.Write,
                Name = "test",
            },
        ],
        Files = [RandomSteps.SharedFile],
        EventCount = 8,
        MutexCount = 2,
        BarrierParties = [threads.Length],
    };

    /// <summary>Address of a page of the area at <see cref="Base"/>.</summary>
    public static ulong Page(int number) => Base + ((ulong)number << 12);

    /// <summary>A thread that stores to consecutive pages.</summary>
    public static ThreadProgram Toucher(string name, int firstPage, int pages) =>
        new ThreadBuilder(name).Touch(Page(firstPage), pages).Build();

    /// <summary>Runs a scenario on one thread, with the checker on.</summary>
    /// <param name="scenario">What is simulated.</param>
    /// <param name="window">Cycles of a window; 0 for the bound.</param>
    /// <param name="protocol">The shootdown protocol; null for the one that the scenario names.</param>
    /// <exception cref="InvalidOperationException">A dead translation was used; the message tells the events that led to it.</exception>
    public static RunReport Run(ScenarioSpec scenario, long window = 0, IShootdownProtocol? protocol = null)
    {
        using World world = new(scenario, check: true, protocol);
        bool finished = new SequentialEngine(world, window).Run();
        RunReport report = ReportBuilder.Build(world, finished);
        if (report.Outcome == RunOutcomes.Violation)
        {
            throw new InvalidOperationException(string.Join('\n', report.Findings));
        }

        return report;
    }

    /// <summary>Runs a scenario up to its last thread, as <see cref="UpToItsLastThread"/> says, with the checker on.</summary>
    /// <param name="scenario">What is simulated; its threads all end.</param>
    /// <param name="window">Cycles of a window; 0 for the bound.</param>
    /// <param name="protocol">The shootdown protocol; null for the one that the scenario names.</param>
    /// <exception cref="InvalidOperationException">A dead translation was used; the message tells the events that led to it.</exception>
    public static RunReport RunThreads(ScenarioSpec scenario, long window = 0, IShootdownProtocol? protocol = null) =>
        Run(UpToItsLastThread(scenario, protocol), window, protocol);

    /// <summary>
    /// A scenario that ends when its last thread is about to end, before the process takes its memory apart: for tests that count what
    /// programs do, and that look at the memory they leave. Processes that end earlier take theirs apart.
    /// </summary>
    /// <param name="scenario">A scenario whose threads all end.</param>
    /// <param name="protocol">The shootdown protocol; null for the one that the scenario names.</param>
    public static ScenarioSpec UpToItsLastThread(ScenarioSpec scenario, IShootdownProtocol? protocol = null)
    {
        using World world = new(scenario with { Check = "off" }, check: false, protocol);
        new SequentialEngine(world).Run();
        return scenario with
        {
            Until = world.LastEnd?.Value ?? throw new InvalidOperationException("a thread has not ended at the end of the run"),
        };
    }
}
