using System.Buffers.Text;
using System.Text;

namespace VmSim.Core.Traces.Import;

/// <summary>Reads the values that strace prints: numbers, flag names, descriptors with paths.</summary>
internal static class StraceValues
{
    // values of include/uapi/asm-generic/mman-common.h, mman.h and linux/mman.h
    private static readonly Dictionary<string, ulong> Names = new(StringComparer.Ordinal)
    {
        ["PROT_NONE"] = 0,
        ["PROT_READ"] = 1,
        ["PROT_WRITE"] = 2,
        ["PROT_EXEC"] = 4,
        ["PROT_GROWSDOWN"] = 0x1000000,
        ["PROT_GROWSUP"] = 0x2000000,
        ["MAP_SHARED"] = 1,
        ["MAP_PRIVATE"] = 2,
        ["MAP_SHARED_VALIDATE"] = 3,
        ["MAP_FIXED"] = 0x10,
        ["MAP_ANONYMOUS"] = 0x20,
        ["MAP_32BIT"] = 0x40,
        ["MAP_GROWSDOWN"] = 0x100,
        ["MAP_DENYWRITE"] = 0x800,
        ["MAP_EXECUTABLE"] = 0x1000,
        ["MAP_LOCKED"] = 0x2000,
        ["MAP_NORESERVE"] = 0x4000,
        ["MAP_POPULATE"] = 0x8000,
        ["MAP_NONBLOCK"] = 0x10000,
        ["MAP_STACK"] = 0x20000,
        ["MAP_HUGETLB"] = 0x40000,
        ["MAP_SYNC"] = 0x80000,
        ["MAP_FIXED_NOREPLACE"] = 0x100000,
        ["MREMAP_MAYMOVE"] = 1,
        ["MREMAP_FIXED"] = 2,
        ["MREMAP_DONTUNMAP"] = 4,
        ["MADV_NORMAL"] = 0,
        ["MADV_RANDOM"] = 1,
        ["MADV_SEQUENTIAL"] = 2,
        ["MADV_WILLNEED"] = 3,
        ["MADV_DONTNEED"] = 4,
        ["MADV_FREE"] = 8,
        ["MADV_REMOVE"] = 9,
        ["MADV_DONTFORK"] = 10,
        ["MADV_DOFORK"] = 11,
        ["MADV_MERGEABLE"] = 12,
        ["MADV_UNMERGEABLE"] = 13,
        ["MADV_HUGEPAGE"] = 14,
        ["MADV_NOHUGEPAGE"] = 15,
        ["MADV_DONTDUMP"] = 16,
        ["MADV_DODUMP"] = 17,
        ["MADV_WIPEONFORK"] = 18,
        ["MADV_KEEPONFORK"] = 19,
        ["MADV_COLD"] = 20,
        ["MADV_PAGEOUT"] = 21,
        ["MADV_POPULATE_READ"] = 22,
        ["MADV_POPULATE_WRITE"] = 23,
        ["MADV_DONTNEED_LOCKED"] = 24,
        ["MADV_COLLAPSE"] = 25,
    };

    /// <summary>A number in hexadecimal with 0x or in decimal; NULL is 0.</summary>
    public static bool TryNumber(ReadOnlySpan<byte> text, out ulong value)
    {
        text = text.Trim((byte)' ');
        bool isHex = text.StartsWith("0x"u8);
        ReadOnlySpan<byte> digits = isHex ? text[2..] : text;
        bool isNumber = Utf8Parser.TryParse(digits, out value, out int length, isHex ? 'x' : 'D') && length == digits.Length
            && char.IsAsciiHexDigit((char)digits[0]);
        value = isNumber ? value : 0;
        return isNumber || text.SequenceEqual("NULL"u8);
    }

    /// <summary>Names and numbers joined by '|'; unknown names count as 0.</summary>
    public static ulong Flags(ReadOnlySpan<byte> text)
    {
        ulong flags = 0;
        foreach (string part in Encoding.UTF8.GetString(text).Split('|'))
        {
            string name = part.Trim();
            int comment = name.IndexOf(" /*", StringComparison.Ordinal);
            name = comment >= 0 ? name[..comment] : name;
            flags |= Names.TryGetValue(name, out ulong value) || TryNumber(Encoding.UTF8.GetBytes(name), out value) ? value : 0;
        }

        return flags;
    }

    /// <summary>The path of a descriptor such as 3&lt;/etc/passwd&gt;.</summary>
    public static string Path(ReadOnlySpan<byte> text)
    {
        int open = text.IndexOf((byte)'<');
        int close = text.LastIndexOf((byte)'>');
        return open >= 0 && close > open ? Encoding.UTF8.GetString(text[(open + 1)..close]) : $"descriptor {Encoding.UTF8.GetString(text)}";
    }
}
