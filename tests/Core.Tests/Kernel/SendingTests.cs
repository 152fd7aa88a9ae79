using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Testing;

namespace VmSim.Core.Tests.Kernel;

/// <summary>What interrupts cost an initiator: a write for each cluster of cores, and lines that it takes from each target.</summary>
public sealed class SendingTests
{
    private const int Cores = 8;
    private const long Send = 10_000;

    [Theory]
    [InlineData(1, 7)]
    [InlineData(2, 4)]
    [InlineData(3, 4)]
    [InlineData(4, 2)]
    [InlineData(8, 2)]
    [InlineData(100, 2)]
    public void Unmap_TargetsOfACluster_AreReachedByOneWrite(int cluster, int writes)
    {
        MachineSpec machine = new() { Cores = Cores, Sockets = 2, IpiCluster = cluster, IpiRemoteCycles = new MachineSpec().IpiCycles };
        KernelProfile kernel = new() { IpiSendCycles = Send, IpiSendRemoteCycles = Send };
        long one = Ended(machine with { IpiCluster = 1 }, kernel);
        Assert.Equal((Cores - 1 - writes) * Send, one - Ended(machine, kernel));
    }

    [Fact]
    public void Unmap_InAVirtualMachine_IsSentToEach()
    {
        MachineSpec machine = new() { Cores = Cores };
        KernelProfile kernel = new() { IpiSendCycles = Send, IpiClusters = false };
        Assert.Equal(Ended(machine, kernel), Ended(machine with { IpiCluster = 4 }, kernel));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Unmap_LinesOfEachTarget_MoveByDistance(int lines)
    {
        MachineSpec machine = new() { Cores = Cores, Sockets = 2, LineTransferCycles = 100, LineTransferRemoteCycles = 1_000 };
        long none = Ended(machine, new KernelProfile());
        Assert.Equal(lines * ((3 * 100) + (4 * 1_000)), Ended(machine, new KernelProfile { CallLines = lines }) - none);
    }

    /// <summary>When the first core has unmapped what all have touched.</summary>
    private static long Ended(MachineSpec machine, KernelProfile kernel)
    {
        ThreadProgram[] threads =
        [
            .. Enumerable.Range(0, Cores).Select(core =>
            {
                ThreadBuilder thread = new ThreadBuilder($"t{core}").Touch(TestWorlds.Page(0), 1).Control(ControlKind.Barrier);
                return (core == 0 ? thread.Unmap(TestWorlds.Page(0), 1) : thread.Compute(1_000_000)).Build(new CoreId(core));
            }),
        ];
        RunReport report = TestWorlds.RunThreads(TestWorlds.Scenario(Cores, threads) with { Machine = machine, Kernel = kernel });
        Assert.Equal(Cores - 1, report.Total("ipisSent"));
        return report.Threads[0].Ended.Value;
    }
}
