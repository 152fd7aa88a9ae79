using CsCheck;
using VmSim.Actors.Cluster;
using VmSim.Actors.Simulation;
using VmSim.Core.Addresses;
using VmSim.Core.Reports;
using VmSim.Core.Shootdown;

namespace VmSim.Actors.Tests.Cluster;

public sealed class ReportCodecTests
{
    private static readonly Gen<PageSize>[] Strides = [.. Enum.GetValues<PageSize>().Select(Gen.Const)];

    [Fact]
    public void Shootdown_AnyFields_ComeBack() => Gen.Select(Gen.Long, Gen.Int, Gen.ULong[0, 1UL << 40], Gen.OneOf(Strides)).Sample(
        (time, number, page, stride) =>
        {
            ShootdownRecord shootdown = new()
            {
                BegunAt = time,
                Space = new SpaceId(number),
                Id = number + 1,
                Initiator = new CoreId(number + 2),
                Targets = number + 3,
                Interrupts = number + 4,
                SpuriousInterrupts = number + 5,
                DeadPages = time + 1,
                Dead = new DeadRange(new VirtAddr(page & ~(stride.Bytes() - 1)), page, stride),
                Wait = time + 2,
                Staleness = time + 5,
                HandlerCycles = time + 3,
                RefillMisses = number + 6,
                Operation = time + 4,
            };
            byte[] bytes = Write(writer => writer.Write(shootdown));
            Assert.Equal(ReportCodec.ShootdownBytes, bytes.Length);
            Assert.Equal(shootdown, WireFormat.Decode(bytes, "shootdown", ReportCodec.ReadShootdown));
        });

    [Fact]
    public void Shootdown_Bytes_AreTheFieldsInOrderLowByteFirst()
    {
        ShootdownRecord shootdown = new()
        {
            BegunAt = 0x0807_0605_0403_0201,
            Space = new SpaceId(0x0c0b_0a09),
            Id = 1,
            Initiator = new CoreId(2),
            Targets = 3,
            Interrupts = 4,
            SpuriousInterrupts = 5,
            DeadPages = 6,
            Dead = new DeadRange(new VirtAddr(0x7000), 7, PageSize.Size4K),
            Wait = -1,
            Staleness = 11,
            HandlerCycles = 8,
            RefillMisses = 9,
            Operation = 10,
        };
        string bytes = "0102030405060708" + "090a0b0c" + "01000000" + "02000000" + "03000000" + "04000000" + "05000000" + "0600000000000000"
            + "0070000000000000" + "0700000000000000" + "0c" + "ffffffffffffffff" + "0b00000000000000" + "0800000000000000"
            + "09000000" + "0a00000000000000";
        Assert.Equal(bytes, Convert.ToHexStringLower(Write(writer => writer.Write(shootdown))));
    }

    [Fact]
    public void Shootdown_DeadPagesThatAreNoRange_AreRefused()
    {
        byte[] bytes = Write(writer => writer.Write(new ShootdownRecord
        {
            BegunAt = 0,
            Space = default,
            Id = 1,
            Initiator = default,
            DeadPages = 1,
            Dead = new DeadRange(new VirtAddr(0x7000), 7, PageSize.Size4K),
            Operation = 1,
        }));
        bytes[sizeof(long) + (6 * sizeof(int)) + sizeof(long)] = 1;
        Assert.Throws<InvalidDataException>(() => WireFormat.Decode(bytes, "shootdown", ReportCodec.ReadShootdown));
    }

    [Fact]
    public void Thread_AnyFields_ComeBack() => Gen.Select(Gen.String, Gen.Int, Gen.Long).Sample((name, number, time) =>
    {
        ThreadReport thread = new()
        {
            Id = new ThreadId(number),
            Name = name,
            AddressSpace = new SpaceId(number + 1),
            Core = new CoreId(number + 2),
            Started = time,
            Ended = time + 1,
            Accesses = time + 2,
            Faults = time + 3,
        };
        Assert.Equal(thread, WireFormat.Decode(Write(writer => writer.Write(thread)), "thread", ReportCodec.ReadThread));
    });

    [Fact]
    public void Node_AnyFields_ComeBack()
    {
        NodeReport node = new("host1:4001", 1, 2, long.MaxValue, 4);
        Assert.Equal(node, WireFormat.Decode(Write(writer => writer.Write(node)), "node", ReportCodec.ReadNode));
    }

    private static byte[] Write(Action<BinaryWriter> write)
    {
        using MemoryStream stream = new();
        using BinaryWriter writer = new(stream);
        write(writer);
        return stream.ToArray();
    }
}
