using CsCheck;
using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Testing;

namespace VmSim.Core.Tests.Kernel.Locks;

/// <summary>Who spins for mmap_lock keeps a core, and the lock may be kept for a thread that is due on it.</summary>
public sealed class OvercommittedCoreTests
{
    /// <summary>
    /// Processes with more threads than cores, on a clock so slow that locks are kept for sleepers after 400 cycles: with spinners that
    /// never leave, one run in some thousands came to where two processes hold each other's cores, as the one of this seed did.
    /// </summary>
    [Fact]
    public void RandomPrograms_WithLocksKeptForSleepers_ComeToAnEnd() => AllEnd(scenarios: 800, seed: "5EniLEFtEnr1");

    [Fact]
    [Trait("Category", "Long")]
    public void ManyRandomPrograms_WithLocksKeptForSleepers_ComeToAnEnd() => AllEnd(scenarios: 100_000);

    /// <summary>A thread that a third one wakes in the kernel is due on the core of one that spins: that one sleeps, and it runs.</summary>
    [Fact]
    public void Spinner_WithAWokenThreadOnItsCore_LetsItRun()
    {
        List<ThreadProgram> threads = [];
        for (int i = 0; i < 4; i++)
        {
            ThreadBuilder thread = new($"t{i}");
            for (int round = 0; round < 40; round++)
            {
                thread.Touch(TestWorlds.Page(32 * i), 16).Unmap(TestWorlds.Page(32 * i), 16).Map(TestWorlds.Page(32 * i), 16);
            }

            threads.Add(thread.Build(new CoreId(i % 2)));
        }

        ScenarioSpec scenario = TestWorlds.Scenario(2, [.. threads]) with { Kernel = new KernelProfile { PerVmaLocks = false } };
        scenario = scenario with { Machine = scenario.Machine with { Ghz = 0.001 } };
        RunReport report = TestWorlds.Run(scenario);
        Assert.Equal(RunOutcomes.Completed, report.Outcome);
        Assert.True(report.Total("lockHandoffs") > 0 && report.Total("lockSleeps") > 0);
        Assert.Equal(report.Fingerprint, TestWorlds.Run(scenario, window: 97).Fingerprint);
        Assert.Equal(report.Fingerprint, PiecewiseRun.Of(scenario, windows: 40, pieces: 30).Report.Fingerprint);
    }

    private static void AllEnd(int scenarios, string? seed = null) => RandomPrograms.Scenario.Sample(
        scenario =>
        {
            ScenarioSpec contended = scenario with
            {
                Machine = scenario.Machine with { Ghz = 0.0001 },
                Kernel = scenario.Kernel with { PerVmaLocks = false, Traps = TrapModes.Hold },
            };
            using World world = new(contended, check: false);
            RunReport report = ReportBuilder.Build(world, new SequentialEngine(world).Run());
            Assert.True(report.Outcome != RunOutcomes.Deadlock, string.Join('\n', report.Findings));
        },
        iter: scenarios,
        seed: seed);
}
