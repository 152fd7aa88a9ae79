using VmSim.Core.Machine;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Tests.VirtualTime;

public sealed class DelaysTests
{
    private static readonly MachineSpec Machine = new() { IpiCycles = 900, IpiRemoteCycles = 900 };

    private static readonly KernelProfile Kernel = new()
    {
        TrapEntryCycles = 600,
        SystemCallEntryCycles = 500,
        AckCycles = 700,
        ServiceCycles = 400,
        TrapReturnCycles = 1_000,
    };

    [Fact]
    public void WindowBoundReason_NamesTheQuickestWay()
    {
        Delays delays = new(Machine, Kernel);
        Assert.Equal(1_800, delays.WindowBound.Value);
        Assert.Equal(
            "a system call of 500 cycles to a memory set, service of 400 cycles there, an IPI of 900 cycles to a core",
            delays.WindowBoundReason);
    }

    [Theory]
    [InlineData(MessageDirection.CoreToCore, 1_000, "the protocol's \"x\" of 1,000 cycles from core to core")]
    [InlineData(
        MessageDirection.CoreToSpace, 100,
        "the protocol's \"x\" of 100 cycles to a memory set, service of 400 cycles there, an IPI of 900 cycles to a core")]
    [InlineData(
        MessageDirection.SpaceToCore, 100,
        "a system call of 500 cycles to a memory set, service of 400 cycles there, the protocol's \"x\" of 100 cycles to a core")]
    public void WindowBoundReason_NamesTheProtocolsMessage(MessageDirection direction, long delay, string expected) =>
        Assert.Equal(expected, new Delays(Machine, Kernel, [new ProtocolMessage("x", direction, delay)]).WindowBoundReason);
}
