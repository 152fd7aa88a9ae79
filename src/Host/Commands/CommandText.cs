using System.CommandLine;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary>A command line as one writes it.</summary>
internal static class CommandText
{
    /// <summary>The words of a command line, those in quotes that a shell would take apart.</summary>
    public static string Of(ParseResult parsed) =>
        string.Join(' ', parsed.Tokens.Select(token => Quoted(PlainWriter.Line(token.Value))).Prepend("vmsim"));

    private static string Quoted(string word) => word.Length > 0 && word.All(IsPlain)
        ? word
        : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private static bool IsPlain(char letter) => char.IsAsciiLetterOrDigit(letter) || "-_./=,:+@%".Contains(letter);
}
