using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace VmSim.Core.Mmu;

/// <summary>Finds the ways whose digest equals a wanted one, with the widest vectors the host has.</summary>
internal static unsafe class WayMatch
{
    /// <summary>One bit for each of the first ways of a head whose digest matches; bits beyond the ways are undefined.</summary>
    /// <param name="head">Digests; at least 64 bytes are readable.</param>
    /// <param name="digest">The wanted digest.</param>
    /// <param name="ways">1 to 16.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Of16(byte* head, uint digest, int ways)
    {
        if (ways <= 4 && Vector128.IsHardwareAccelerated)
        {
            return By128(head, digest);
        }

        if (ways <= 8 && Vector256.IsHardwareAccelerated)
        {
            return By256(head, digest);
        }

        if (Vector512.IsHardwareAccelerated)
        {
            return By512(head, digest);
        }

        return Vector256.IsHardwareAccelerated ? By256(head, digest) | (By256(head + 32, digest) << 8) : Scalar(head, digest, ways);
    }

    /// <summary>
    /// Writes one digest of a line by storing the whole line, so that a look-up that follows at once can be forwarded the store.
    /// </summary>
    /// <param name="line">16 digests, 64-byte aligned.</param>
    /// <param name="way">0 to 15.</param>
    /// <param name="digest">The digest.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write16(byte* line, int way, uint digest)
    {
        if (Vector512.IsHardwareAccelerated)
        {
            Vector512<uint> here = Vector512.Equals(Vector512<uint>.Indices, Vector512.Create((uint)way));
            Vector512.ConditionalSelect(here, Vector512.Create(digest), Vector512.Load((uint*)line)).Store((uint*)line);
        }
        else if (Vector256.IsHardwareAccelerated)
        {
            uint* half = (uint*)line + (way & 8);
            Vector256<uint> here = Vector256.Equals(Vector256<uint>.Indices, Vector256.Create((uint)way & 7));
            Vector256.ConditionalSelect(here, Vector256.Create(digest), Vector256.Load(half)).Store(half);
        }
        else
        {
            ((uint*)line)[way] = digest;
        }
    }

    /// <summary>Writes one digest of four, in the same manner.</summary>
    /// <param name="head">4 digests.</param>
    /// <param name="way">0 to 3.</param>
    /// <param name="digest">The digest.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write4(byte* head, int way, uint digest)
    {
        Vector128<uint> here = Vector128.Equals(Vector128<uint>.Indices, Vector128.Create((uint)way));
        Vector128.ConditionalSelect(here, Vector128.Create(digest), Vector128.Load((uint*)head)).Store((uint*)head);
    }

    /// <summary>The first 4 ways.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint By128(byte* head, uint digest) =>
        Vector128.Equals(Vector128.Load((uint*)head), Vector128.Create(digest)).ExtractMostSignificantBits();

    /// <summary>The first 8 ways.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint By256(byte* head, uint digest) =>
        Vector256.Equals(Vector256.Load((uint*)head), Vector256.Create(digest)).ExtractMostSignificantBits();

    /// <summary>Compares 16 digests at once: the ways that match, as bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint By512(byte* head, uint digest) =>
        (uint)Vector512.Equals(Vector512.Load((uint*)head), Vector512.Create(digest)).ExtractMostSignificantBits();

    /// <summary>The first ways, one by one.</summary>
    public static uint Scalar(byte* head, uint digest, int ways)
    {
        uint matches = 0;
        for (int way = 0; way < ways; way++)
        {
            matches |= ((uint*)head)[way] == digest ? 1u << way : 0;
        }

        return matches;
    }
}
