using System.Globalization;
using VmSim.Core.Addresses;
using VmSim.Core.Programs;

namespace VmSim.Core.Traces;

/// <summary>
/// What may follow the fields of a call: more ranges, each a start and a length in hexadecimal, and the name of the error that the call
/// answered.
/// </summary>
internal static class VmtTail
{
    /// <summary>Reads the text behind a call's fields; null for none.</summary>
    /// <param name="text">The text.</param>
    /// <param name="mayHaveRanges">Whether more ranges are allowed.</param>
    /// <param name="ranges">The ranges.</param>
    /// <param name="errno">The error; none for a call that succeeded.</param>
    /// <returns>False if it is neither.</returns>
    public static bool TryParse(string? text, bool mayHaveRanges, out IReadOnlyList<AddrRange<VirtAddr>> ranges, out Errno errno)
    {
        errno = Errno.None;
        if (text is null)
        {
            ranges = [];
            return true;
        }

        string[] words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        bool hasError = words.Length > 0 && Errnos.TryParse(words[^1], out errno);
        int count = hasError ? words.Length - 1 : words.Length;
        List<AddrRange<VirtAddr>> found = [];
        ranges = count == 0 ? [] : found;
        if (count % 2 != 0 || (count > 0 && !mayHaveRanges))
        {
            return false;
        }

        for (int index = 0; index < count; index += 2)
        {
            if (!TryHex(words[index], out ulong start) || !TryHex(words[index + 1], out ulong bytes) || !VmtRules.IsRange(start, bytes))
            {
                return false;
            }

            found.Add(AddrRange.Of(new VirtAddr(start), bytes));
        }

        return true;
    }

    /// <summary>The text of <see cref="TryParse"/>; null for a call that succeeded and has one range.</summary>
    public static string? Format(IReadOnlyList<AddrRange<VirtAddr>> ranges, Errno errno)
    {
        IEnumerable<string> words = ranges.Select(range => $"{range.Start.Value:x} {range.Size:x}");
        string text = string.Join(' ', errno == Errno.None ? words : words.Append(errno.Name()));
        return text.Length == 0 ? null : text;
    }

    private static bool TryHex(string word, out ulong value) =>
        ulong.TryParse(word, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
}
