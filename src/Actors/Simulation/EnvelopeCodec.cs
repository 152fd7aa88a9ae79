using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.VirtualTime;

namespace VmSim.Actors.Simulation;

/// <summary>
/// The wire form of an envelope: a version byte, then numbers low byte first, messages of virtual time (<see cref="SimMessage.WriteTo"/>),
/// page-table changes in their own compact form.
/// </summary>
public static class EnvelopeCodec
{
    /// <summary>Version of the form; both ends must have the same.</summary>
    private const byte Version = 4;

    /// <summary>Writes an envelope.</summary>
    public static byte[] Encode(PhaseEnvelope envelope)
    {
        ArgumentNullException.ThrowIfNull(envelope);
        using MemoryStream stream = new(256 + (envelope.Messages.Count * SimMessage.Bytes));
        using BinaryWriter writer = new(stream);
        writer.Write(Version);
        writer.Write(envelope.Domain);
        writer.Write(envelope.Node);
        writer.Write(envelope.Exchange);
        writer.Write(envelope.Stopping);
        writer.Write(envelope.Limit);
        writer.Write(envelope.Horizon.Core.Value);
        writer.Write(envelope.Horizon.Group.Value);
        writer.Write(envelope.Horizon.SentToCores.Value);
        writer.Write(envelope.Horizon.SentToGroups.Value);
        writer.Write(envelope.Messages.Count);
        Span<byte> bytes = stackalloc byte[SimMessage.Bytes];
        foreach (SimMessage message in envelope.Messages)
        {
            message.WriteTo(bytes);
            writer.Write(bytes);
        }

        writer.Write(envelope.Tables.Count);
        foreach (TableChanges table in envelope.Tables)
        {
            writer.Write(table.Space);
            writer.Write(table.Table);
            writer.Write(table.Changes.Length);
            writer.Write(table.Changes);
        }

        writer.Write(envelope.Threads.Count);
        foreach (SimThreadState thread in envelope.Threads)
        {
            WriteThread(writer, thread);
        }

        return stream.ToArray();
    }

    /// <summary>Reads an envelope.</summary>
    /// <exception cref="InvalidDataException">The bytes are no envelope of this version.</exception>
    public static PhaseEnvelope Decode(byte[] bytes) => WireFormat.Decode(bytes, "envelope", Read);

    private static PhaseEnvelope Read(BinaryReader reader)
    {
        byte version = reader.ReadByte();
        if (version != Version)
        {
            throw new InvalidDataException($"version {version} found, {Version} is known here; all nodes must run the same program");
        }

        return new PhaseEnvelope
        {
            Domain = reader.ReadInt32(0, int.MaxValue, "domain"),
            Node = reader.ReadInt32(0, int.MaxValue, "node"),
            Exchange = reader.ReadPositive("exchange"),
            Stopping = reader.ReadFlag("stopping"),
            Limit = reader.ReadPositive("limit"),
            Horizon = new NodeHorizon(
                reader.ReadPositive("core"),
                reader.ReadPositive("group"),
                reader.ReadPositive("sent to cores"),
                reader.ReadPositive("sent to groups")),
            Messages = ReadMessages(reader),
            Tables = ReadTables(reader),
            Threads = ReadThreads(reader),
        };
    }

    private static SimMessage[] ReadMessages(BinaryReader reader)
    {
        SimMessage[] messages = new SimMessage[reader.ReadCount(SimMessage.Bytes)];
        Span<byte> bytes = stackalloc byte[SimMessage.Bytes];
        foreach (ref SimMessage message in messages.AsSpan())
        {
            reader.BaseStream.ReadExactly(bytes);
            message = SimMessage.ReadFrom(bytes);
        }

        return messages;
    }

    private static TableChanges[] ReadTables(BinaryReader reader)
    {
        TableChanges[] tables = new TableChanges[reader.ReadCount(3 * sizeof(int))];
        for (int i = 0; i < tables.Length; i++)
        {
            int space = reader.ReadInt32();
            int table = reader.ReadInt32();
            tables[i] = new TableChanges(space, table, reader.ReadBytes(reader.ReadCount(1)));
        }

        return tables;
    }

    private static SimThreadState[] ReadThreads(BinaryReader reader)
    {
        SimThreadState[] threads = new SimThreadState[reader.ReadCount((4 * sizeof(int)) + (4 * sizeof(long)))];
        for (int i = 0; i < threads.Length; i++)
        {
            ThreadId thread = new(reader.ReadInt32());
            CoreId core = new(reader.ReadInt32());
            long consumed = reader.ReadInt64();
            long started = reader.ReadInt64();
            long accesses = reader.ReadInt64();
            long faults = reader.ReadInt64();
            ulong[] operations = new ulong[reader.ReadCount(sizeof(ulong))];
            for (int operation = 0; operation < operations.Length; operation++)
            {
                operations[operation] = reader.ReadUInt64();
            }

            long[] sampling = new long[reader.ReadCount(sizeof(long))];
            for (int number = 0; number < sampling.Length; number++)
            {
                sampling[number] = reader.ReadInt64();
            }

            threads[i] = new SimThreadState(thread, core, consumed, operations, started, accesses, faults) { Sampling = sampling };
        }

        return threads;
    }

    private static void WriteThread(BinaryWriter writer, SimThreadState thread)
    {
        writer.Write(thread.Thread.Value);
        writer.Write(thread.Core.Value);
        writer.Write(thread.Consumed);
        writer.Write(thread.Started.Value);
        writer.Write(thread.Accesses);
        writer.Write(thread.Faults);
        writer.Write(thread.Operations.Length);
        foreach (ulong operation in thread.Operations)
        {
            writer.Write(operation);
        }

        writer.Write(thread.Sampling.Count);
        foreach (long number in thread.Sampling)
        {
            writer.Write(number);
        }
    }
}
