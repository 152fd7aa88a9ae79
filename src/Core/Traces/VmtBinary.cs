using System.Numerics;
using System.Runtime.InteropServices;

namespace VmSim.Core.Traces;

/// <summary>The binary form of .vmt, version 1: layout and encodings. All numbers are little-endian.</summary>
/// <remarks>
/// Head: magic (4 bytes), version (2), reserved (2). Then blocks: block magic (4), records (4), raw bytes (4), packed bytes (4), checksum
/// of the packed bytes (4), thread at the block's start (4), accesses (8), and the packed bytes, zstd. Then the index: index magic (4),
/// entries (4), its bytes (4), checksum (4), per block 8 bytes offset and 8 bytes first record. Last, offset of the index (8) and end magic
/// (8). Checksums are CRC-32C. In a block, a record is a byte with its kind in the low 5 bits. Accesses: bit 7 set when a count other than
/// 1 follows as a varint; the page is a zigzag varint of the difference to the last page of that kind in the block. Other records: varints
/// A to E and file id plus 1, then, if bit 7 is set, a varint length and a text in UTF-8.
/// </remarks>
public static class VmtBinary
{
    /// <summary>The version this code writes and reads.</summary>
    public const ushort Version = 1;

    /// <summary>Bytes of a file's head.</summary>
    internal const int HeadBytes = 8;

    /// <summary>Bytes of a block's head.</summary>
    internal const int BlockHeadBytes = 32;

    /// <summary>Bytes of a block's entry in the index.</summary>
    internal const int IndexEntryBytes = 16;

    /// <summary>Raw bytes at which a block is closed.</summary>
    internal const int BlockBytes = 1 << 18;

    /// <summary>The most raw or packed bytes of a legal block.</summary>
    internal const int MaxBlockBytes = 1 << 20;

    /// <summary>The four bytes with which a block begins: BLK1.</summary>
    internal const uint BlockMagic = 0x314B4C42;

    /// <summary>The four bytes with which the index begins: IDX1.</summary>
    internal const uint IndexMagic = 0x31584449;

    /// <summary>Says that a count or a text follows.</summary>
    internal const byte MoreBit = 0x80;

    /// <summary>The first bytes of a file.</summary>
    public static ReadOnlySpan<byte> Magic => "VMTB"u8;

    /// <summary>The last bytes of a file.</summary>
    internal static ReadOnlySpan<byte> EndMagic => "VMTBEND\n"u8;

    /// <summary>CRC-32C (Castagnoli), as iSCSI and ext4 use it (RFC 3720, appendix B.4).</summary>
    internal static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        uint checksum = uint.MaxValue;
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (ulong word in words)
        {
            checksum = BitOperations.Crc32C(checksum, word);
        }

        foreach (byte value in bytes[(words.Length * 8)..])
        {
            checksum = BitOperations.Crc32C(checksum, value);
        }

        return ~checksum;
    }

    /// <summary>Writes a number in 7-bit groups, lowest first.</summary>
    internal static int WriteNumber(Span<byte> to, ulong value)
    {
        int length = 0;
        for (; value >= 0x80; value >>= 7)
        {
            to[length++] = (byte)(value | 0x80);
        }

        to[length++] = (byte)value;
        return length;
    }

    /// <summary>Reads a number in 7-bit groups; false when it is cut off or too long.</summary>
    internal static bool TryReadNumber(ReadOnlySpan<byte> from, ref int at, out ulong value)
    {
        if ((uint)at < (uint)from.Length && from[at] < 0x80)
        {
            value = from[at++];
            return true;
        }

        value = 0;
        for (int shift = 0; shift < 70 && (uint)at < (uint)from.Length; shift += 7)
        {
            byte part = from[at++];
            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Folds a signed difference into an unsigned number that is small when the difference is.</summary>
    internal static ulong Zigzag(long value) => (ulong)((value << 1) ^ (value >> 63));

    /// <summary>The signed number that <see cref="Zigzag"/> made this one of.</summary>
    internal static long Unzigzag(ulong value) => (long)(value >> 1) ^ -(long)(value & 1);
}
