using System.Runtime.InteropServices;
using VmSim.Core.Addresses;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Tests.VirtualTime;

public sealed class ProtocolPayloadTests
{
    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private readonly record struct Dense(long Generation, InvalidationScope Scope, CoreId Core, bool Flag);

    private readonly record struct Sparse(long Generation, CoreId Core);

    private readonly record struct Words(int A, int B, long C, long D, long E);

    private readonly record struct Large(long A, long B, long C, long D, long E);

    [Fact]
    public void As_WhatItWasMadeOf_IsTheSame()
    {
        Dense value = new(
            -5,
            new InvalidationScope(new DeadRange(VirtAddr.OfPage(9), 7, PageSize.Size4K), IsWholeSpace: true),
            new CoreId(3),
            Flag: true);
        ProtocolPayload payload = ProtocolPayload.Of(2, value);
        Assert.Equal((2, value), (payload.Kind, payload.As<Dense>()));
    }

    [Fact]
    public void Of_SmallValue_LeavesTheRestZero() => Assert.Equal(new Words(7, 0, 0, 0, 0), ProtocolPayload.Of(0, 7).As<Words>());

    [Fact]
    public void Of_BytesBetweenFields_SaysWhatToDo()
    {
        InvalidOperationException error = Assert.Throws<InvalidOperationException>(
            () => ProtocolPayload.Of(0, new Sparse(1, new CoreId(2))));
        Assert.Contains("Sparse has 16 bytes, 12 of them in fields", error.Message, StringComparison.Ordinal);
        Assert.Contains("Pack = 1", error.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => new ProtocolPayload(0).As<Sparse>());
    }

    [Fact]
    public void Of_MoreThanAMessageHolds_Throws() =>
        Assert.Throws<InvalidOperationException>(() => ProtocolPayload.Of(0, new Large(1, 2, 3, 4, 5)));
}
