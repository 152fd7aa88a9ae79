using VmSim.Actors.Simulation;
using VmSim.Core.Addresses;
using VmSim.Core.Reports;
using VmSim.Core.Shootdown;

namespace VmSim.Actors.Cluster;

/// <summary>
/// The wire form of the records that reports are made of: their fields in order, each low byte first. What is written does not depend on
/// how a record lies in memory, nor on the machine.
/// </summary>
internal static class ReportCodec
{
    /// <summary>Bytes of a shootdown's record.</summary>
    public const int ShootdownBytes = (7 * sizeof(int)) + (8 * sizeof(long)) + sizeof(byte);

    /// <summary>Most characters of an address.</summary>
    private const int AddressMax = 512;

    /// <summary>Writes a thread.</summary>
    public static void Write(this BinaryWriter writer, ThreadReport thread)
    {
        writer.Write(thread.Id.Value);
        writer.Write(thread.Name);
        writer.Write(thread.AddressSpace.Value);
        writer.Write(thread.Core.Value);
        writer.Write(thread.Started.Value);
        writer.Write(thread.Ended.Value);
        writer.Write(thread.Accesses);
        writer.Write(thread.Faults);
    }

    /// <summary>Reads a thread.</summary>
    public static ThreadReport ReadThread(this BinaryReader reader) => new()
    {
        Id = new ThreadId(reader.ReadInt32()),
        Name = reader.ReadString(),
        AddressSpace = new SpaceId(reader.ReadInt32()),
        Core = new CoreId(reader.ReadInt32()),
        Started = reader.ReadInt64(),
        Ended = reader.ReadInt64(),
        Accesses = reader.ReadInt64(),
        Faults = reader.ReadInt64(),
    };

    /// <summary>Writes what a node had to do.</summary>
    public static void Write(this BinaryWriter writer, NodeReport node)
    {
        writer.Write(node.Address);
        writer.Write(node.Cores);
        writer.Write(node.Spaces);
        writer.Write(node.Envelopes);
        writer.Write(node.Bytes);
    }

    /// <summary>Reads what a node had to do.</summary>
    /// <exception cref="InvalidDataException">A count is negative, or the address too long.</exception>
    public static NodeReport ReadNode(this BinaryReader reader) => new(
        reader.ReadText(AddressMax, "address"),
        reader.ReadInt32(0, int.MaxValue, "cores"),
        reader.ReadInt32(0, int.MaxValue, "spaces"),
        reader.ReadPositive("envelopes"),
        reader.ReadPositive("bytes"));

    /// <summary>Writes a shootdown, in <see cref="ShootdownBytes"/> bytes.</summary>
    public static void Write(this BinaryWriter writer, in ShootdownRecord shootdown)
    {
        writer.Write(shootdown.BegunAt.Value);
        writer.Write(shootdown.Space.Value);
        writer.Write(shootdown.Id);
        writer.Write(shootdown.Initiator.Value);
        writer.Write(shootdown.Targets);
        writer.Write(shootdown.Interrupts);
        writer.Write(shootdown.SpuriousInterrupts);
        writer.Write(shootdown.DeadPages);
        writer.Write(shootdown.Dead.Start.Value);
        writer.Write(shootdown.Dead.Pages);
        writer.Write((byte)shootdown.Dead.Stride);
        writer.Write(shootdown.Wait.Value);
        writer.Write(shootdown.Staleness.Value);
        writer.Write(shootdown.HandlerCycles.Value);
        writer.Write(shootdown.RefillMisses);
        writer.Write(shootdown.Operation);
    }

    /// <summary>Reads a shootdown.</summary>
    /// <exception cref="ArgumentException">The dead pages are no range.</exception>
    public static ShootdownRecord ReadShootdown(this BinaryReader reader) => new()
    {
        BegunAt = reader.ReadInt64(),
        Space = new SpaceId(reader.ReadInt32()),
        Id = reader.ReadInt32(),
        Initiator = new CoreId(reader.ReadInt32()),
        Targets = reader.ReadInt32(),
        Interrupts = reader.ReadInt32(),
        SpuriousInterrupts = reader.ReadInt32(),
        DeadPages = reader.ReadInt64(),
        Dead = new DeadRange(new VirtAddr(reader.ReadUInt64()), reader.ReadUInt64(), (PageSize)reader.ReadByte()),
        Wait = reader.ReadInt64(),
        Staleness = reader.ReadInt64(),
        HandlerCycles = reader.ReadInt64(),
        RefillMisses = reader.ReadInt32(),
        Operation = reader.ReadInt64(),
    };
}
