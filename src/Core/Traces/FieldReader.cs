namespace VmSim.Core.Traces;

/// <summary>Takes the fields of a line that are separated by blanks, from left to right.</summary>
public ref struct FieldReader(ReadOnlySpan<byte> line)
{
    private ReadOnlySpan<byte> _rest = line;

    /// <summary>Whether nothing but blanks is left.</summary>
    public bool AtEnd
    {
        get
        {
            SkipBlanks();
            return _rest.IsEmpty;
        }
    }

    /// <summary>The first byte of the next field; 0 at the end.</summary>
    public byte Peek() => AtEnd ? (byte)0 : _rest[0];

    /// <summary>The next field as it stands; empty at the end.</summary>
    public ReadOnlySpan<byte> Word()
    {
        SkipBlanks();
        int length = 0;
        while (length < _rest.Length && _rest[length] != (byte)' ')
        {
            length++;
        }

        ReadOnlySpan<byte> word = _rest[..length];
        _rest = _rest[length..];
        return word;
    }

    /// <summary>All that is left.</summary>
    public ReadOnlySpan<byte> Rest()
    {
        SkipBlanks();
        ReadOnlySpan<byte> rest = _rest;
        _rest = default;
        return rest;
    }

    /// <summary>The next field as a hexadecimal number of at most 16 digits, without a prefix.</summary>
    public bool Hex(out ulong value)
    {
        SkipBlanks();
        ulong result = 0;
        int digits = 0;
        ReadOnlySpan<byte> rest = _rest;
        for (; digits < rest.Length; digits++)
        {
            int digit = HexDigit(rest[digits]);
            if (digit < 0)
            {
                break;
            }

            result = (result << 4) | (uint)digit;
        }

        value = result;
        _rest = rest[digits..];
        return digits is > 0 and <= 16 && (_rest.IsEmpty || _rest[0] == (byte)' ');
    }

    /// <summary>The next field as a decimal number of at most 19 digits.</summary>
    public bool Decimal(out ulong value)
    {
        SkipBlanks();
        ulong result = 0;
        int digits = 0;
        ReadOnlySpan<byte> rest = _rest;
        for (; digits < rest.Length && (uint)(rest[digits] - '0') <= 9; digits++)
        {
            result = (result * 10) + (uint)(rest[digits] - '0');
        }

        value = result;
        _rest = rest[digits..];
        return digits is > 0 and <= 19 && (_rest.IsEmpty || _rest[0] == (byte)' ');
    }

    /// <summary>The value of a hexadecimal digit; -1 for anything else.</summary>
    public static int HexDigit(byte character)
    {
        int digit = character - '0';
        if ((uint)digit <= 9)
        {
            return digit;
        }

        int letter = (character | 0x20) - 'a';
        return (uint)letter <= 5 ? letter + 10 : -1;
    }

    private void SkipBlanks()
    {
        int count = 0;
        while (count < _rest.Length && _rest[count] == (byte)' ')
        {
            count++;
        }

        _rest = _rest[count..];
    }
}
