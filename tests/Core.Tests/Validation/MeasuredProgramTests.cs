using VmSim.Core.Machine;
using VmSim.Core.Scenarios;
using VmSim.Core.Validation;

namespace VmSim.Core.Tests.Validation;

public sealed class MeasuredProgramTests
{
    private static readonly ScenarioSpec Machine = new()
    {
        Machine = new MachineSpec { Cores = 2 },
        Shootdown = new ShootdownSpec { Protocol = "linux" },
    };

    /// <summary>What a second thread does decides whether it is interrupted, and nothing else.</summary>
    [Theory]
    [InlineData("none", 0)]
    [InlineData("spin", 1)]
    [InlineData("sys", 1)]
    [InlineData("sleep", 0)]
    [InlineData("same", 0)]
    [InlineData("proc", 0)]
    public void Run_MapTouchUnmap_InterruptsThreadsThatRun(string beside, double interrupts)
    {
        IReadOnlyDictionary<string, double> figures = Run("mmu", beside, 4);

        Assert.Equal(interrupts, figures["interrupts"]);
        Assert.Equal(4, figures["faults"]);
    }

    [Theory]
    [InlineData("map0", 0, 0)]
    [InlineData("munmap-mid", 1, 8)]
    [InlineData("mprot", 2, 0)]
    [InlineData("mprot-nt", 2, 0)]
    [InlineData("dontneed", 1, 8)]
    [InlineData("mremap", 1, 0)]
    [InlineData("brk", 1, 8)]
    [InlineData("free", 1, 0)]
    public void Run_BesideSpinningThread_EachInvalidatingCallInterrupts(string program, double interrupts, double faults)
    {
        IReadOnlyDictionary<string, double> figures = Run(program, "spin", 8);

        Assert.Equal((interrupts, faults), (figures["interrupts"], figures["faults"]));
    }

    /// <summary>
    /// Measured: a fork interrupts once, glibc's writes in a fork of a process with threads five times, and each page that a living child
    /// shares once more. A child that has ended shares nothing.
    /// </summary>
    [Theory]
    [InlineData("cow", 6 + 8)]
    [InlineData("cowdead", 6)]
    public void Run_ForkBesideSpinningThread_InterruptsForPagesThatAreShared(string program, double interrupts) =>
        Assert.Equal(interrupts, Run(program, "spin", 8)["interrupts"]);

    /// <summary>Shared dirty pages are flushed table by table: 256 pages lie in two, 8 in one. Measured.</summary>
    [Theory]
    [InlineData(8, 1)]
    [InlineData(256, 2)]
    public void Run_SharedMemoryBesideSpinningThread_InterruptsForEachTable(long pages, double interrupts) =>
        Assert.Equal(interrupts, Run("shrd", "spin", pages)["interrupts"]);

    /// <summary>Faults that the kernel takes in a call are the thread's (ru_minflt). Measured.</summary>
    [Theory]
    [InlineData("anon-populate-write", 64)]
    [InlineData("anon-madv-populate-write", 64)]
    [InlineData("file-populate-read", 4)]
    public void Run_Populating_CountsItsFaults(string program, double faults) =>
        Assert.Equal(faults, Run(program, "none", 64)["faults"]);

    /// <summary>The phases are all of an operation, and its clock readings are in them.</summary>
    [Theory]
    [InlineData("mmu", "mmap", "touch", "munmap")]
    [InlineData("cow", "fork", "write", "kill-wait")]
    [InlineData("mprot", "protect-read", "protect-write", "touch")]
    public void Run_Phases_AddUpToTheWhole(string program, params string[] phases)
    {
        IReadOnlyDictionary<string, double> figures = Run(program, "spin", 3);

        Assert.Equal(figures["whole"], phases.Sum(phase => figures[phase]), 6);
    }

    [Fact]
    public void Run_Twice_GivesTheSame() => Assert.Equal(Run("dontneed", "touch", 8), Run("dontneed", "touch", 8));

    /// <summary>Processes share no lock of an address space, so two make nearly twice the faults of one; threads make fewer.</summary>
    [Fact]
    public void Run_Rates_ProcessesScaleAndThreadsContend()
    {
        double one = Run("pf1", "processes", 1)["rate"];

        Assert.InRange(Run("pf1", "processes", 2)["rate"] / one, 1.9, 2.001);
        Assert.InRange(Run("pf1", "threads", 2)["rate"] / one, 1.1, 1.9);
    }

    /// <summary>Every program runs and has every figure that a table may name.</summary>
    [Fact]
    public void Run_EveryProgram_HasItsFigures() => Assert.All(MeasuredPrograms.All, program =>
    {
        IReadOnlyDictionary<string, double> figures = program.Run(Machine, new MeasuredCase(program.Name, program.Besides[0], 1));

        Assert.All(program.Figures.Where(figure => program.Has(program.Besides[0], figure)), figure =>
        {
            Assert.True(figures[figure] >= 0);
            Assert.NotNull(program.UnitOf(figure));
        });
    });

    private static IReadOnlyDictionary<string, double> Run(string program, string beside, long size) =>
        MeasuredPrograms.All.Find(program)!.Run(Machine, new MeasuredCase(program, beside, size));
}
