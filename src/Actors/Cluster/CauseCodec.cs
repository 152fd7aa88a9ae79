using VmSim.Actors.Simulation;
using VmSim.Core.Addresses;
using VmSim.Core.Kernel.Causes;
using VmSim.Core.Programs;
using VmSim.Core.Reports;

namespace VmSim.Actors.Cluster;

/// <summary>The wire form of what calls and faults have cost an address space.</summary>
internal static class CauseCodec
{
    /// <summary>Most characters of a call's name or an object's.</summary>
    private const int TextMax = 65_536;

    private const int RowBytes = 8;

    /// <summary>Writes the causes of a space.</summary>
    public static void Write(BinaryWriter writer, SpaceCauses causes)
    {
        writer.Write(causes.Rows.Count);
        foreach (CauseRow row in causes.Rows)
        {
            writer.Write(row.Thread.Value);
            writer.Write(row.Call);
            writer.Write(row.Object);
            writer.Write(row.Area.HasValue);
            writer.Write(row.Area.GetValueOrDefault().Value);
            writer.Write(row.Site?.Frames.Count ?? 0);
            foreach (string frame in row.Site?.Frames ?? [])
            {
                writer.Write(frame);
            }

            foreach (long value in row.Values)
            {
                writer.Write(value);
            }
        }

        writer.Write(causes.OfShootdowns.Count);
        foreach (int row in causes.OfShootdowns)
        {
            writer.Write(row);
        }
    }

    /// <summary>Reads the causes of a space.</summary>
    /// <exception cref="InvalidDataException">The bytes are none, or a shootdown has a cause that is not there.</exception>
    public static SpaceCauses Read(BinaryReader reader)
    {
        CauseRow[] rows = new CauseRow[reader.ReadCount(RowBytes)];
        for (int i = 0; i < rows.Length; i++)
        {
            rows[i] = ReadRow(reader);
        }

        int[] ofShootdowns = new int[reader.ReadCount(sizeof(int))];
        for (int i = 0; i < ofShootdowns.Length; i++)
        {
            ofShootdowns[i] = reader.ReadInt32(0, rows.Length - 1, "cause");
        }

        return new SpaceCauses(rows, ofShootdowns);
    }

    private static CauseRow ReadRow(BinaryReader reader)
    {
        ThreadId thread = new(reader.ReadInt32());
        string call = reader.ReadText(TextMax, "call");
        string content = reader.ReadText(TextMax, "object");
        bool hasArea = reader.ReadFlag("area");
        VirtAddr area = new(reader.ReadUInt64());
        string[] frames = new string[reader.ReadInt32(0, CallSite.FramesMax, "frames")];
        for (int i = 0; i < frames.Length; i++)
        {
            frames[i] = reader.ReadText(CallSite.FrameLengthMax, "frame");
        }

        long[] values = new long[CauseFigure.All.Count];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = reader.ReadInt64();
        }

        return new CauseRow
        {
            Thread = thread,
            Call = call,
            Object = content,
            Area = hasArea ? area : null,
            Site = frames.Length == 0 ? null : new CallSite(frames),
            Values = values,
        };
    }
}
