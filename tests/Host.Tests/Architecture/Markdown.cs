using System.Text.RegularExpressions;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.Architecture;

/// <summary>The pages of the repository, and what stands in them.</summary>
internal static class Markdown
{
    private static readonly string[] Folders = ["docs", "src", "tests", "config", "samples"];
    private static readonly Regex Marker = Make(@"^(?:(?:[-*+]|\d+\.)\s+)?(?:\*\*[^*]+[.:]\*\*\s+)?");
    private static readonly Regex Link = Make(@"\[([^\]]*)\]\(([^)\s]+)\)");
    private static readonly Regex CodeSpan = Make("`([^`]+)`");
    private static readonly Regex SentenceEnd = Make(@"[.!?][)""'*_]*\s+[(*_""]*[A-Z]");
    private static readonly Regex Abbreviation = Make(@"\b(?:e\.g|i\.e|cf|vs|No|St|Dr)\.$");
    private static readonly Regex Name = Make(@"^[A-Z][A-Za-z0-9]*(?:\.[A-Z][A-Za-z0-9]*)?$");
    private static readonly Regex NoAnchor = Make("[^a-z0-9 _-]");

    /// <summary>All pages, by their paths from the top of the repository.</summary>
    public static IEnumerable<string> Pages => Directory.GetFiles(CommandRunner.Root, "*.md")
        .Concat(
            Folders.Select(CommandRunner.At).Where(Directory.Exists)
                .SelectMany(folder => Directory.GetFiles(folder, "*.md", SearchOption.AllDirectories)))
        .Select(page => Path.GetRelativePath(CommandRunner.Root, page))
        .Where(page => !page.Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj" or "TestData"))
        .Order(StringComparer.Ordinal);

    /// <summary>The lines of a page without those between code fences, each with its number.</summary>
    public static IEnumerable<(int Number, string Text)> LinesWithoutCode(string page)
    {
        bool isCode = false;
        int number = 0;
        foreach (string line in File.ReadLines(CommandRunner.At(page)))
        {
            number++;
            if (line.TrimStart().StartsWith("```", StringComparison.Ordinal))
            {
                isCode = !isCode;
            }
            else if (!isCode)
            {
                yield return (number, line);
            }
        }
    }

    /// <summary>The prose lines of a page: no code, table, heading, picture or HTML.</summary>
    public static IEnumerable<(int Number, string Text)> Prose(string page) => LinesWithoutCode(page)
        .Select(line => (line.Number, line.Text.Trim()))
        .Where(line => line.Item2.Length > 0 && line.Item2[0] is not ('|' or '#' or '<' or '!'));

    /// <summary>Whether a line of prose holds more than one sentence. A head in bold type before the first sentence is none.</summary>
    public static bool HoldsTwoSentences(string prose)
    {
        string text = Marker.Replace(prose, "");
        text = Link.Replace(text, match => match.Groups[1].Value);
        text = CodeSpan.Replace(text, "Code");
        return SentenceEnd.Matches(text).Any(end => !Abbreviation.IsMatch(text[..(end.Index + 1)]));
    }

    /// <summary>Code spans of a page that look like a type's or a member's name, each with its line.</summary>
    public static IEnumerable<(int Number, string Name)> Names(string page) =>
        from line in LinesWithoutCode(page)
        from Match match in CodeSpan.Matches(line.Text)
        where Name.IsMatch(match.Groups[1].Value) && match.Groups[1].Value.Any(char.IsLower)
        select (line.Number, match.Groups[1].Value);

    /// <summary>Targets of links to places in the repository, each with its line.</summary>
    public static IEnumerable<(int Number, string Target)> Links(string page) =>
        from line in LinesWithoutCode(page)
        from Match match in Link.Matches(CodeSpan.Replace(line.Text, "Code"))
        where !match.Groups[2].Value.Contains("://", StringComparison.Ordinal)
        select (line.Number, match.Groups[2].Value);

    /// <summary>What links to headings of a page end with.</summary>
    public static IEnumerable<string> Anchors(string page) =>
        from line in LinesWithoutCode(page)
        where line.Text.StartsWith('#')
        select NoAnchor.Replace(line.Text.TrimStart('#').Trim().ToLowerInvariant(), "").Replace(' ', '-');

    private static Regex Make(string pattern) => new(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
}
