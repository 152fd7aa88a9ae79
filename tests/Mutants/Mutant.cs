using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace VmSim.Mutants;

/// <summary>A protocol with one place of its source changed.</summary>
/// <param name="Protocol">The protocol's name.</param>
/// <param name="File">The file of the place, without its folder.</param>
/// <param name="Line">The line of the place, from 1.</param>
/// <param name="Before">The text of the place.</param>
/// <param name="After">What stands there instead.</param>
/// <param name="Sources">All files of the protocol, one of them changed.</param>
internal sealed record Mutant(string Protocol, string File, int Line, string Before, string After, IReadOnlyList<SyntaxTree> Sources)
{
    /// <summary>The mutant as a line of a list: it stays the same when code moves.</summary>
    public string Key => $"{File}: {Before} -> {After}";

    /// <summary>All mutants of a protocol, in the order of its source.</summary>
    /// <param name="protocol">The protocol's name.</param>
    /// <param name="files">Its files.</param>
    public static IEnumerable<Mutant> Of(string protocol, IReadOnlyList<string> files)
    {
        CSharpParseOptions options = new(LanguageVersion.Latest);
        SyntaxTree[] trees = [.. files.Select(file => CSharpSyntaxTree.ParseText(ReadAll(file), options, Path.GetFileName(file)))];
        for (int i = 0; i < trees.Length; i++)
        {
            SyntaxNode root = trees[i].GetRoot();
            foreach (Change change in Change.In(root))
            {
                SyntaxTree changed = trees[i].WithRootAndOptions(root.ReplaceNode(change.Old, change.New), options);
                yield return new Mutant(
                    protocol,
                    Path.GetFileName(trees[i].FilePath),
                    change.Old.GetLocation().GetLineSpan().StartLinePosition.Line + 1,
                    OneLine(change.Old),
                    OneLine(change.New),
                    [.. trees[..i], changed, .. trees[(i + 1)..]]);
            }
        }
    }

    private static string ReadAll(string path) => System.IO.File.ReadAllText(path);

    private static string OneLine(SyntaxNode node) =>
        string.Join(' ', node.ToString().Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries));
}
