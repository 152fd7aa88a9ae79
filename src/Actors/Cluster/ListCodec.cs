using VmSim.Actors.Simulation;
using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;

namespace VmSim.Actors.Cluster;

/// <summary>The wire form of what a run keeps one by one.</summary>
internal static class ListCodec
{
    /// <summary>Letters of a list of cores at most: every other one of 65,536.</summary>
    private const int CoresMax = 6 * 32_768;

    private const int OperationBytes = (4 * sizeof(int)) + (7 * sizeof(long)) + (2 * sizeof(bool));
    private const int SliceBytes = (3 * sizeof(long)) + sizeof(byte) + (2 * sizeof(int));

    /// <summary>Writes what is wanted.</summary>
    public static void Write(BinaryWriter writer, RunLists lists)
    {
        writer.Write(lists.Shootdowns);
        writer.Write(lists.Faults);
        writer.Write(lists.Calls);
        writer.Write(lists.Timeline);
        writer.Write(lists.TimelineFrom.Value);
        writer.Write(lists.TimelineEnd.Value);
        writer.Write(lists.TimelineCores?.ToString() ?? "");
    }

    /// <summary>Reads what is wanted.</summary>
    public static RunLists ReadLists(BinaryReader reader) => new()
    {
        Shootdowns = reader.ReadFlag("shootdowns"),
        Faults = reader.ReadFlag("faults"),
        Calls = reader.ReadFlag("calls"),
        Timeline = reader.ReadFlag("timeline"),
        TimelineFrom = reader.ReadPositive("begin of the timeline"),
        TimelineEnd = reader.ReadPositive("end of the timeline"),
        TimelineCores = ReadCores(reader),
    };

    private static CoreList? ReadCores(BinaryReader reader)
    {
        string text = reader.ReadText(CoresMax, "cores of the timeline");
        return text.Length == 0 ? null
            : CoreList.TryParse(text, out CoreList? cores, out _) && cores.Count > 0 ? cores
            : throw new InvalidDataException("cores of the timeline: they are none");
    }

    /// <summary>Writes the faults and calls of a space.</summary>
    public static void Write(BinaryWriter writer, OperationRecord[] operations)
    {
        writer.Write(operations.Length);
        foreach (OperationRecord operation in operations)
        {
            writer.Write(operation.Space.Value);
            writer.Write(operation.Id);
            writer.Write(operation.IsFault);
            writer.Write(operation.Thread.Value);
            writer.Write(operation.Core.Value);
            writer.Write(operation.Address.Value);
            writer.Write(operation.Bytes);
            writer.Write(operation.EnteredAt.Value);
            writer.Write(operation.StartedAt.Value);
            writer.Write(operation.ReturnedAt.Value);
            writer.Write(operation.ShootdownWait.Value);
            writer.Write(operation.Failed);
            writer.Write(operation.Cause);
        }
    }

    /// <summary>Reads the faults and calls of a space.</summary>
    public static OperationRecord[] ReadOperations(BinaryReader reader)
    {
        OperationRecord[] operations = new OperationRecord[reader.ReadCount(OperationBytes)];
        for (int i = 0; i < operations.Length; i++)
        {
            operations[i] = new OperationRecord
            {
                Space = new SpaceId(reader.ReadInt32()),
                Id = reader.ReadInt64(),
                IsFault = reader.ReadFlag("fault"),
                Thread = new ThreadId(reader.ReadInt32()),
                Core = new CoreId(reader.ReadInt32()),
                Address = new VirtAddr(reader.ReadUInt64()),
                Bytes = reader.ReadUInt64(),
                EnteredAt = reader.ReadInt64(),
                StartedAt = reader.ReadInt64(),
                ReturnedAt = reader.ReadInt64(),
                ShootdownWait = reader.ReadInt64(),
                Failed = reader.ReadFlag("failed"),
                Cause = reader.ReadInt32(),
            };
        }

        return operations;
    }

    /// <summary>Writes what a core did when.</summary>
    public static void Write(BinaryWriter writer, CoreSlice[] slices)
    {
        writer.Write(slices.Length);
        foreach (CoreSlice slice in slices)
        {
            writer.Write(slice.Begin.Value);
            writer.Write(slice.End.Value);
            writer.Write((byte)slice.Kind);
            writer.Write(slice.Thread.Value);
            writer.Write(slice.Space.Value);
            writer.Write(slice.Shootdown);
        }
    }

    /// <summary>Reads what a core did when.</summary>
    public static CoreSlice[] ReadSlices(BinaryReader reader)
    {
        CoreSlice[] slices = new CoreSlice[reader.ReadCount(SliceBytes)];
        for (int i = 0; i < slices.Length; i++)
        {
            slices[i] = new CoreSlice(
                reader.ReadInt64(),
                reader.ReadInt64(),
                (CoreSliceKind)reader.ReadByte(),
                new ThreadId(reader.ReadInt32()),
                new SpaceId(reader.ReadInt32()),
                reader.ReadInt64());
        }

        return slices;
    }
}
