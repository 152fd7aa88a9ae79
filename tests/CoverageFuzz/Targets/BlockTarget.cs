using System.Buffers.Binary;
using VmSim.Core.Traces;
using ZstdSharp;

namespace VmSim.CoverageFuzz.Targets;

/// <summary>
/// What is in the blocks of a binary trace: an input is the last 20 bytes of a block's head and its unpacked records, and gets packing,
/// checksums and an index that are right, behind which nothing that is changed would come otherwise.
/// </summary>
internal sealed class BlockTarget() : FuzzTarget("trace-block", typeof(TraceFormatException))
{
    private const int HeadBytes = 16;

    public override IEnumerable<byte[]> Seeds => SeedFiles.Of("trace").Select(BlockOf);

    protected override void Read(byte[] input)
    {
        byte[] head = new byte[HeadBytes];
        int length = Math.Min(input.Length, HeadBytes);
        input.AsSpan(0, length).CopyTo(head);
        byte[] whole = Wrap(head, input.AsSpan(length));
        TraceTarget.Use(() => TraceSources.Open(new MemoryStream(whole, writable: false), "fuzz.vmtb"));
    }

    /// <summary>A file of one block.</summary>
    /// <param name="head">Records (4), thread at the start (4), accesses (8).</param>
    /// <param name="records">The unpacked records.</param>
    private static byte[] Wrap(ReadOnlySpan<byte> head, ReadOnlySpan<byte> records)
    {
        using Compressor compressor = new(1);
        byte[] packed = compressor.Wrap(records).ToArray();
        using MemoryStream stream = new();
        using BinaryWriter writer = new(stream);
        writer.Write(VmtBinary.Magic);
        writer.Write((uint)VmtBinary.Version);
        long block = stream.Position;
        writer.Write(VmtBinary.BlockMagic);
        writer.Write(head[..4]);
        writer.Write(records.Length);
        writer.Write(packed.Length);
        writer.Write(VmtBinary.Checksum(packed));
        writer.Write(head[4..]);
        writer.Write(packed);
        long index = stream.Position;
        byte[] entry = new byte[VmtBinary.IndexEntryBytes];
        BinaryPrimitives.WriteInt64LittleEndian(entry, block);
        writer.Write(VmtBinary.IndexMagic);
        writer.Write(1);
        writer.Write(entry.Length);
        writer.Write(VmtBinary.Checksum(entry));
        writer.Write(entry);
        writer.Write(index);
        writer.Write(VmtBinary.EndMagic);
        writer.Flush();
        return stream.ToArray();
    }

    /// <summary>The head and the records of a trace's first block.</summary>
    private static byte[] BlockOf(byte[] text)
    {
        using MemoryStream stream = new();
        using (VmtBinaryWriter writer = new(stream))
        {
            TraceTools.Copy(new VmtTextReader(new MemoryStream(text), "seed"), writer);
        }

        ReadOnlySpan<byte> block = stream.ToArray().AsSpan(VmtBinary.HeadBytes);
        int packed = BinaryPrimitives.ReadInt32LittleEndian(block[12..]);
        using Decompressor decompressor = new();
        Span<byte> records = decompressor.Unwrap(block.Slice(VmtBinary.BlockHeadBytes, packed));
        return [.. block[4..8], .. block[20..VmtBinary.BlockHeadBytes], .. records];
    }
}
