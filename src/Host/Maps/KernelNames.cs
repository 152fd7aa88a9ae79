using System.Text;

namespace VmSim.Host.Maps;

/// <summary>Files' names as the kernel prints them in maps, and as traces have them.</summary>
/// <remarks>
/// The kernel prints a name's bytes as they are but for line feeds, which are \012 (get_vma_name and show_map_vma in fs/proc/task_mmu.c).
/// A trace has one record a line, so that unprintable characters stand in it as strace prints them (string_quote in its src/util.c): \n,
/// \33. A name that is no UTF-8 stands there wholly as strace prints it.
/// </remarks>
internal static class KernelNames
{
    private const string Named = "nvfrt";
    private const string NamedValues = "\n\v\f\r\t";

    /// <summary>A name as traces have it.</summary>
    /// <param name="name">The kernel's bytes, one character each.</param>
    public static string AsInTraces(string name)
    {
        string bytes = name.Replace("\\012", "\n", StringComparison.Ordinal);
        string text = Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(bytes));
        bool isText = !text.Contains('\uFFFD', StringComparison.Ordinal);
        string source = isText ? text : bytes;
        StringBuilder written = new(source.Length);
        for (int i = 0; i < source.Length; i++)
        {
            bool isDigitNext = i + 1 < source.Length && char.IsAsciiDigit(source[i + 1]);
            Append(written, source[i], isText, isDigitNext);
        }

        return written.ToString();
    }

    private static void Append(StringBuilder written, char character, bool isText, bool isDigitNext)
    {
        int named = NamedValues.IndexOf(character, StringComparison.Ordinal);
        if (named >= 0)
        {
            written.Append('\\').Append(Named[named]);
        }
        else if (character is < ' ' or '\x7F' || (!isText && character is > '~' or '<' or '>'))
        {
            written.Append('\\').Append(Convert.ToString((int)character, 8).PadLeft(isDigitNext ? 3 : 1, '0'));
        }
        else if (!isText && character is '"' or '\\')
        {
            written.Append('\\').Append(character);
        }
        else
        {
            written.Append(character);
        }
    }
}
