using System.Buffers.Binary;

namespace VmSim.Core.Traces.Import;

/// <summary>One of the two records that ChampSim reads (inc/trace_instruction.h): sizes and places of their fields.</summary>
/// <param name="Name">The structure's name there.</param>
/// <param name="Bytes">Bytes a record.</param>
/// <param name="DestinationsAt">Where the addresses stored to begin.</param>
/// <param name="Destinations">How many there are.</param>
/// <param name="SourcesAt">Where the four addresses loaded from begin.</param>
internal sealed record ChampSimFormat(string Name, int Bytes, int DestinationsAt, int Destinations, int SourcesAt)
{
    /// <summary>Addresses loaded from.</summary>
    public const int Sources = 4;

    /// <summary>Where is-branch stands; branch-taken follows.</summary>
    public const int BranchAt = 8;

    /// <summary>A number of bytes that whole records of both kinds fill.</summary>
    public const int SampleBytes = 64 * 96;

    private const int UserBits = 56;

    /// <summary>input_instr: 8 bytes instruction pointer, 2 of branches, 2 destination and 4 source registers, 2 and 4 addresses.</summary>
    public static readonly ChampSimFormat Standard = new("input_instr", 64, 16, 2, 32);

    /// <summary>cloudsuite_instr: 4 destination registers and addresses, and 2 bytes of address space number, padded to 96.</summary>
    public static readonly ChampSimFormat CloudSuite = new("cloudsuite_instr", 96, 24, 4, 56);

    /// <summary>The kind of a trace. Neither kind has a mark of its own, so every record of the beginning must make sense.</summary>
    /// <param name="sample">The first <see cref="SampleBytes"/> bytes, fewer when the trace is shorter.</param>
    /// <returns>The standard kind when neither or both make sense.</returns>
    public static ChampSimFormat Of(ReadOnlySpan<byte> sample) =>
        !Standard.MakesSenseOf(sample) && CloudSuite.MakesSenseOf(sample) ? CloudSuite : Standard;

    /// <summary>Whether the branch bytes of a record can be what they are.</summary>
    public static bool HasBranchBytes(ReadOnlySpan<byte> record) => record[BranchAt] <= 1 && record[BranchAt + 1] <= 1;

    private bool MakesSenseOf(ReadOnlySpan<byte> sample)
    {
        if (sample.Length < Bytes || (sample.Length < SampleBytes && sample.Length % Bytes != 0))
        {
            return false;
        }

        for (int at = 0; at + Bytes <= sample.Length; at += Bytes)
        {
            ReadOnlySpan<byte> record = sample.Slice(at, Bytes);
            if (!HasBranchBytes(record) || BinaryPrimitives.ReadUInt64LittleEndian(record) == 0)
            {
                return false;
            }

            for (int field = DestinationsAt; field < SourcesAt + (8 * Sources); field += 8)
            {
                if (BinaryPrimitives.ReadUInt64LittleEndian(record[field..]) >> UserBits is not (0 or 0xFF))
                {
                    return false;
                }
            }
        }

        return true;
    }
}
