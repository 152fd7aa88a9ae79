using VmSim.Core.Machine;
using VmSim.Core.Scenarios;
using VmSim.Core.Validation;

namespace VmSim.Core.Tests.Validation;

public sealed class PublishedProgramTests
{
    private static readonly ScenarioSpec Machine = new()
    {
        Machine = new MachineSpec { Cores = 8 },
        Shootdown = new ShootdownSpec { Protocol = "linux" },
    };

    /// <summary>A flush is a range and its pages, or all from the ceiling on.</summary>
    [Theory]
    [InlineData(2, 1_000 + 400)]
    [InlineData(33, 1_000 + (33 * 200))]
    [InlineData(34, 2_300)]
    public void Flush_OfPages_IsWhatTheKernelProfileSays(long pages, double cycles)
    {
        ScenarioSpec machine = Machine with
        {
            Kernel = new KernelProfile { InvalidateRangeCycles = 1_000, InvalidatePageCycles = 200, InvalidateAllCycles = 2_300 },
        };

        Assert.Equal(cycles, Run("flush", "none", pages, machine)["flush"], 1e-6);
    }

    /// <summary>More interrupts take longer, and a lazy protocol's call waits for none.</summary>
    [Fact]
    public void MunmapShared_MoreCores_TakesLonger()
    {
        IReadOnlyDictionary<string, double> few = Run("munmap-shared", "linux", 2);
        IReadOnlyDictionary<string, double> many = Run("munmap-shared", "linux", 8);

        Assert.True(0 < few["shootdown"] && few["shootdown"] < many["shootdown"], $"{few["shootdown"]} and {many["shootdown"]} ns");
        Assert.True(many["shootdown"] < many["munmap"], $"{many["shootdown"]} of {many["munmap"]} ns");
        Assert.InRange(Run("munmap-shared", "latr-against-linux", 8)["change"], -95, -5);
    }

    /// <summary>A space on fewer than four cores keeps to interrupts, whatever the protocol.</summary>
    [Theory]
    [InlineData(2, -5, 5)]
    [InlineData(6, 5, 1_000)]
    public void TlbFlush2_OnFourCoresAndMore_GainsByBroadcast(long threads, double least, double most) =>
        Assert.InRange(Run("tlb-flush2", "broadcast-against-ipi", threads)["change"], least, most);

    /// <summary>A change is that of one figure against the other, in percent.</summary>
    [Fact]
    public void Change_OfTwoChoices_IsThatOfTheirFigures()
    {
        double one = Run("area-locks", "mmap-lock", 4)["rate"];
        double other = Run("area-locks", "areas", 4)["rate"];

        Assert.Equal(100 * ((other / one) - 1), Run("area-locks", "areas-against-mmap-lock", 4)["change"], 1e-9);
        Assert.True(other > one, $"{other} and {one} faults a second");
    }

    private static IReadOnlyDictionary<string, double> Run(string program, string beside, long size, ScenarioSpec? machine = null) =>
        MeasuredPrograms.All.Find(program)!.Run(machine ?? Machine, new MeasuredCase(program, beside, size));
}
