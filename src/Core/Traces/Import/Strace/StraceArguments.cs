namespace VmSim.Core.Traces.Import.Strace;

/// <summary>The arguments of a call that strace prints.</summary>
internal readonly ref struct StraceArguments
{
    private readonly ReadOnlySpan<byte> _text;
    private readonly ReadOnlySpan<Range> _ranges;

    /// <summary>Takes arguments that <see cref="StraceSyntax.Split"/> found.</summary>
    public StraceArguments(ReadOnlySpan<byte> text, ReadOnlySpan<Range> ranges)
    {
        _text = text;
        _ranges = ranges;
    }

    /// <summary>How many there are.</summary>
    public int Count => _ranges.Length;

    /// <summary>
    /// An argument without blanks and without its name, which some versions print before an equals sign; empty for one that is not there.
    /// </summary>
    public ReadOnlySpan<byte> this[int index] => index < Count ? StraceValues.WithoutName(_text[_ranges[index]].Trim((byte)' ')) : default;

    /// <summary>All arguments as they stand.</summary>
    public ReadOnlySpan<byte> All => Count == 0 ? default : _text[_ranges[0].Start.._ranges[^1].End];

    /// <summary>An argument as a number.</summary>
    /// <returns>False for one that is none.</returns>
    public bool TryNumber(int index, out ulong value) => StraceValues.TryNumber(this[index], out value);

    /// <summary>An argument as an address of the program.</summary>
    /// <returns>False for one that is none.</returns>
    public bool TryAddress(int index, out ulong value)
    {
        bool isNumber = StraceValues.TryNumber(this[index], out value);
        value = StraceValues.Address(value);
        return isNumber;
    }

    /// <summary>Whether the arguments stand as the processor's registers had them (-e raw): in hexadecimal, lengths too.</summary>
    public bool AreRaw => Count > 1 && _text[_ranges[1]].Trim((byte)' ').StartsWith("0x"u8);
}
