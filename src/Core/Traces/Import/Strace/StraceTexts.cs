using System.Diagnostics.CodeAnalysis;

namespace VmSim.Core.Traces.Import.Strace;

/// <summary>Reads the meaning of a text.</summary>
internal delegate T StraceReading<T>(ReadOnlySpan<byte> text);

/// <summary>Remembers what texts mean; a log has few different flags and paths.</summary>
internal sealed class StraceTexts<T>
{
    private const int MaxTexts = 4096;
    private readonly Dictionary<byte[], T> _known = new(new ByteComparer());
    private readonly Dictionary<byte[], T>.AlternateLookup<ReadOnlySpan<byte>> _lookup;
    private readonly StraceReading<T> _read;

    /// <summary>Makes an empty memory.</summary>
    /// <param name="read">What a text means that was not seen before.</param>
    public StraceTexts(StraceReading<T> read)
    {
        _read = read;
        _lookup = _known.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    /// <summary>What a text means.</summary>
    public T Of(ReadOnlySpan<byte> text)
    {
        if (!_lookup.TryGetValue(text, out T? value))
        {
            value = _read(text);
            if (_known.Count < MaxTexts)
            {
                _known.Add(text.ToArray(), value);
            }
        }

        return value;
    }

    private sealed class ByteComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode([DisallowNull] byte[] obj) => GetHashCode(obj.AsSpan());

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            HashCode hash = default;
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
