namespace VmSim.Core.Traces.Import.Perf;

/// <summary>Takes numbers off the front of a text.</summary>
internal static class PerfText
{
    /// <summary>Takes blanks and tabs.</summary>
    public static void SkipBlanks(ref ReadOnlySpan<byte> text) => text = text.TrimStart(" \t"u8);

    /// <summary>Takes a decimal number of at most 19 digits.</summary>
    public static bool TryDecimal(ref ReadOnlySpan<byte> text, out ulong value)
    {
        value = 0;
        int digits = 0;
        for (; digits < text.Length && char.IsAsciiDigit((char)text[digits]); digits++)
        {
            value = (value * 10) + (uint)(text[digits] - '0');
        }

        text = text[digits..];
        return digits is > 0 and <= 19;
    }

    /// <summary>Takes a hexadecimal number of at most 16 digits, with or without 0x.</summary>
    public static bool TryHex(ref ReadOnlySpan<byte> text, out ulong value)
    {
        value = 0;
        text = text.StartsWith("0x"u8) ? text[2..] : text;
        int digits = 0;
        for (int digit; digits < text.Length && (digit = FieldReader.HexDigit(text[digits])) >= 0; digits++)
        {
            value = (value << 4) | (uint)digit;
        }

        text = text[digits..];
        return digits is > 0 and <= 16;
    }

    /// <summary>Takes a number that is hexadecimal with 0x and decimal without, with a minus or none.</summary>
    public static bool TryNumber(ref ReadOnlySpan<byte> text, out ulong value)
    {
        bool isNegative = !text.IsEmpty && text[0] == (byte)'-';
        text = isNegative ? text[1..] : text;
        bool isNumber = text.StartsWith("0x"u8) ? TryHex(ref text, out value) : TryDecimal(ref text, out value);
        value = isNegative ? 0 - value : value;
        return isNumber;
    }
}
