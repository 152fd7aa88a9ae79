using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace VmSim.Host.Tests.Architecture;

/// <summary>The habits of this project's source that a machine can judge.</summary>
internal static class Tidy
{
    /// <summary>Columns of a line at most.</summary>
    public const int LineLength = 140;

    /// <summary>Lines of a method at most, from its name to its last brace.</summary>
    public const int MethodLength = 70;

    /// <summary>Lines of a file at most.</summary>
    public const int FileLength = 400;

    /// <summary>What is untidy in a file, a line each.</summary>
    public static IEnumerable<string> Problems(SourceFile file)
    {
        string[] lines = file.Text.TrimEnd('\n').Split('\n');
        if (lines.Length > FileLength)
        {
            yield return $"{file.Path}: {lines.Length} lines; a file has at most {FileLength}: ask which second idea lives in it";
        }

        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].Length > LineLength)
            {
                yield return $"{file.Path}:{i + 1}: {lines[i].Length} columns; a line has at most {LineLength}";
            }
        }

        CSharpParseOptions options = new(LanguageVersion.Latest, DocumentationMode.None);
        foreach (SyntaxNode node in CSharpSyntaxTree.ParseText(file.Text, options).GetCompilationUnitRoot().DescendantNodes())
        {
            if (Problem(node) is { } problem)
            {
                yield return $"{file.Path}:{node.GetLocation().GetLineSpan().StartLinePosition.Line + 1}: {problem}";
            }
        }
    }

    private static string? Problem(SyntaxNode node) => node switch
    {
        BaseMethodDeclarationSyntax method =>
            OfLength(method, method is MethodDeclarationSyntax { Identifier.Text: var name } ? name : "a constructor or operator"),
        LocalFunctionStatementSyntax function => OfLength(function, function.Identifier.Text),
        FieldDeclarationSyntax field =>
            field.Declaration.Variables.Select(variable => OfField(field.Modifiers, variable.Identifier.Text))
                .FirstOrDefault(found => found is not null),
        IdentifierNameSyntax { IsVar: true } => "var hides a type; this project names it",
        _ => null,
    };

    private static string? OfLength(SyntaxNode method, string name)
    {
        FileLinePositionSpan span = method.GetLocation().GetLineSpan();
        int lines = span.EndLinePosition.Line - span.StartLinePosition.Line + 1;
        return lines > MethodLength ? $"{name} has {lines} lines; a method has at most {MethodLength}" : null;
    }

    /// <summary>
    /// Private fields are <c>_likeThis</c>, static ones that change <c>s_likeThis</c>; constants and static read-only fields
    /// <c>LikeThis</c>.
    /// </summary>
    private static string? OfField(SyntaxTokenList modifiers, string name)
    {
        bool Has(SyntaxKind kind) => modifiers.Any(kind);
        if (Has(SyntaxKind.PublicKeyword) || Has(SyntaxKind.InternalKeyword) || Has(SyntaxKind.ProtectedKeyword))
        {
            return char.IsUpper(name[0]) ? null : $"field {name} is seen by others: it begins with a capital";
        }

        if (Has(SyntaxKind.ConstKeyword) || (Has(SyntaxKind.StaticKeyword) && Has(SyntaxKind.ReadOnlyKeyword)))
        {
            return char.IsUpper(name[0]) ? null : $"{name} never changes: it begins with a capital";
        }

        string prefix = Has(SyntaxKind.StaticKeyword) ? "s_" : "_";
        return name.StartsWith(prefix, StringComparison.Ordinal) && name.Length > prefix.Length && char.IsLower(name[prefix.Length])
            ? null
            : $"field {name} is private: its name begins with {prefix}";
    }
}
