using System.Buffers.Text;
using System.Text;

namespace VmSim.Core.Traces.Import.Strace;

/// <summary>Flags as numbers, and the names among them that nobody knows.</summary>
/// <param name="Value">Linux's value on x86-64.</param>
/// <param name="Unknown">Names without a value, joined by '|'; null for none.</param>
internal readonly record struct StraceFlags(ulong Value, string? Unknown);

/// <summary>Reads the values that strace prints: numbers, flag names, descriptors with paths.</summary>
internal static class StraceValues
{
    /// <summary>Names of flags and advice, with the values of x86-64 whatever the program's machine.</summary>
    private static readonly Dictionary<string, ulong> Names = StraceFlagNames.All;

    /// <summary>A number in hexadecimal with 0x or in decimal, perhaps negative, perhaps with a comment behind; NULL is 0.</summary>
    public static bool TryNumber(ReadOnlySpan<byte> text, out ulong value)
    {
        text = text.Trim((byte)' ');
        int comment = text.IndexOf(" /*"u8);
        text = comment > 0 ? text[..comment] : text;
        value = 0;
        if (text.IsEmpty)
        {
            return false;
        }

        if (text[0] == (byte)'-')
        {
            bool isNegative = Utf8Parser.TryParse(text, out long signed, out int count) && count == text.Length;
            value = isNegative ? (ulong)signed : 0;
            return isNegative;
        }

        bool isHex = text.StartsWith("0x"u8);
        ReadOnlySpan<byte> digits = isHex ? text[2..] : text;
        bool isNumber = !digits.IsEmpty && Utf8Parser.TryParse(digits, out value, out int length, isHex ? 'x' : 'D')
            && length == digits.Length && char.IsAsciiHexDigit((char)digits[0]);
        value = isNumber ? value : 0;
        return isNumber || text.SequenceEqual("NULL"u8);
    }

    /// <summary>
    /// An address of a program. Addresses of 32-bit programs stand in old logs with their sign extended, and no program has addresses up
    /// there.
    /// </summary>
    public static ulong Address(ulong value) => value >= 0xFFFF_FFFF_8000_0000 ? (uint)value : value;

    /// <summary>An argument without a name and an equals sign before it.</summary>
    public static ReadOnlySpan<byte> WithoutName(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty || !char.IsAsciiLetter((char)text[0]))
        {
            return text;
        }

        int length = 0;
        while (length < text.Length && (char.IsAsciiLetterOrDigit((char)text[length]) || text[length] == (byte)'_'))
        {
            length++;
        }

        return length < text.Length && text[length] == (byte)'=' ? text[(length + 1)..] : text;
    }

    /// <summary>
    /// Names, numbers and shifts joined by '|', in any of the forms that -X chooses: MAP_PRIVATE|0x20, 0x22,
    /// 0x22 /* MAP_PRIVATE|MAP_ANONYMOUS */, MAP_HUGETLB|21&lt;&lt;MAP_HUGE_SHIFT.
    /// </summary>
    public static StraceFlags Flags(ReadOnlySpan<byte> text)
    {
        ulong flags = 0;
        string? unknown = null;
        foreach (string part in WithoutComments(Encoding.UTF8.GetString(text)).Split('|'))
        {
            string name = part.Trim();
            if (TryFlag(name, out ulong value))
            {
                flags |= value;
            }
            else
            {
                unknown = unknown is null ? name : $"{unknown}|{name}";
            }
        }

        return new StraceFlags(flags, unknown);
    }

    /// <summary>
    /// The path of a descriptor such as 3&lt;/etc/passwd&gt;, without the numbers of a device that -yy prints behind it; null for a
    /// descriptor alone.
    /// </summary>
    public static string? Path(ReadOnlySpan<byte> text)
    {
        int open = text.IndexOf((byte)'<');
        int close = text.LastIndexOf((byte)'>');
        if (open <= 0 || close <= open)
        {
            return null;
        }

        ReadOnlySpan<byte> inner = text[(open + 1)..close];
        int device = inner.EndsWith(">"u8) ? Math.Max(inner.LastIndexOf("<char "u8), inner.LastIndexOf("<block "u8)) : -1;
        string path = Unquote(device > 0 ? inner[..device] : inner);
        return text[(close + 1)..].StartsWith("(deleted)"u8) ? path + " (deleted)" : path;
    }

    /// <summary>A text in quotes, with three points behind it if strace cut it (-s); null for what is none, such as NULL.</summary>
    public static string? Quoted(ReadOnlySpan<byte> text)
    {
        int end = text.StartsWith("\""u8) ? StraceSyntax.EndOfString(text, 0) : -1;
        return end < 0 ? null : Unquote(text[1..(end - 1)]) + (text[end..].StartsWith("..."u8) ? "..." : "");
    }

    /// <summary>
    /// What a quoted text stands for. Line ends and other unprintable characters stay as strace prints them: a trace has one record a line.
    /// </summary>
    public static string Unquote(ReadOnlySpan<byte> text)
    {
        string asPrinted = Encoding.UTF8.GetString(text);
        if (!text.Contains((byte)'\\'))
        {
            return asPrinted;
        }

        List<byte> bytes = new List<byte>(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            int length = text[i] == (byte)'\\' ? Escape(text[i..], bytes) : 0;
            if (length == 0)
            {
                bytes.Add(text[i]);
            }

            i += Math.Max(0, length - 1);
        }

        string path = Encoding.UTF8.GetString([.. bytes]);
        return path.Contains('\uFFFD', StringComparison.Ordinal) ? asPrinted : path;
    }

    /// <summary>Decodes an escape that stands for a printable character or a part of one.</summary>
    /// <returns>Its length; 0 for one that stays.</returns>
    private static int Escape(ReadOnlySpan<byte> text, List<byte> bytes)
    {
        if (text.Length < 2)
        {
            return 0;
        }

        if (text[1] is (byte)'"' or (byte)'\\')
        {
            bytes.Add(text[1]);
            return 2;
        }

        int value = 0;
        int length;
        if (text[1] == (byte)'x')
        {
            length = Math.Min(4, text.Length);
            for (int i = 2; i < length; i++)
            {
                int digit = FieldReader.HexDigit(text[i]);
                value = digit < 0 ? -1 : (value * 16) + digit;
            }
        }
        else
        {
            length = 1;
            for (; length < Math.Min(4, text.Length) && text[length] is >= (byte)'0' and <= (byte)'7'; length++)
            {
                value = (value * 8) + (text[length] - '0');
            }
        }

        if (length < 2 || value is < 0x20 or 0x7F or > 0xFF)
        {
            return 0;
        }

        bytes.Add((byte)value);
        return length;
    }

    private static string WithoutComments(string text)
    {
        for (int open = text.IndexOf("/*", StringComparison.Ordinal); open >= 0; open = text.IndexOf("/*", StringComparison.Ordinal))
        {
            int close = text.IndexOf("*/", open, StringComparison.Ordinal);
            text = close < 0 ? text[..open] : text.Remove(open, close + 2 - open);
        }

        return text;
    }

    private static bool TryFlag(string name, out ulong value)
    {
        if (Names.TryGetValue(name, out value))
        {
            return true;
        }

        int shift = name.IndexOf("<<", StringComparison.Ordinal);
        if (shift > 0 && name.EndsWith("_HUGE_SHIFT", StringComparison.Ordinal)
            && TryNumber(Encoding.UTF8.GetBytes(name[..shift]), out value))
        {
            value <<= StraceFlagNames.HugeShift;
            return true;
        }

        return TryNumber(Encoding.UTF8.GetBytes(name), out value);
    }
}
