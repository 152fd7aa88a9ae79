namespace VmSim.Core.Traces;

/// <summary>A block of a binary trace: its records as bytes, and what its head says of them.</summary>
public sealed class VmtBlock
{
    private byte[] _raw = new byte[VmtBinary.BlockBytes];

    /// <summary>The records.</summary>
    public ReadOnlySpan<byte> Raw => _raw.AsSpan(0, Length);

    /// <summary>Bytes of the records.</summary>
    public int Length { get; private set; }

    /// <summary>How many there are, at least one.</summary>
    public uint Records { get; internal set; }

    /// <summary>The number of the thread that the first is of.</summary>
    public uint Thread { get; internal set; }

    /// <summary>How many references they have.</summary>
    public ulong Accesses { get; internal set; }

    /// <summary>Where the block begins in the file, in bytes.</summary>
    public long Offset { get; internal set; }

    /// <summary>Takes what another block has, which takes this one's room in turn.</summary>
    /// <param name="other">The other block.</param>
    public void Exchange(VmtBlock other)
    {
        ArgumentNullException.ThrowIfNull(other);
        (_raw, other._raw) = (other._raw, _raw);
        (Length, other.Length) = (other.Length, Length);
        Records = other.Records;
        Thread = other.Thread;
        Accesses = other.Accesses;
        Offset = other.Offset;
    }

    /// <summary>Makes room for so many bytes of records.</summary>
    internal Span<byte> Resize(int length)
    {
        _raw = length > _raw.Length ? new byte[length] : _raw;
        Length = length;
        return _raw.AsSpan(0, length);
    }
}
