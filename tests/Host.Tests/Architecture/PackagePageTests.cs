using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.Architecture;

/// <summary>What the pages of packages show is a program that compiles.</summary>
public sealed class PackagePageTests
{
    /// <summary>This page quotes examples that are tests, which another test compares.</summary>
    private const string QuotesTests = "src/Core/Mapping/PACKAGE.md";

    private static readonly Lazy<MetadataReference[]> References = new(() =>
        [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Select(path => MetadataReference.CreateFromFile(path))]);

    public static TheoryData<string> Pages =>
        [.. Markdown.Pages.Where(page => Path.GetFileName(page) == "PACKAGE.md" && page != QuotesTests && CodeOf(page).Length > 0)];

    [Fact]
    public void EveryPackage_HasAPage()
    {
        string[] projects = [.. new[] { "src", "tests" }
            .SelectMany(folder => Directory.GetFiles(CommandRunner.At(folder), "*.csproj", SearchOption.AllDirectories))
            .Where(project => File.ReadAllText(project).Contains("<Description>", StringComparison.Ordinal))];
        Assert.Contains(projects, project => Path.GetFileName(project) == "VmSim.Host.csproj");
        Assert.All(
            projects,
            project =>
                Assert.True(
                    File.Exists(Path.Combine(Path.GetDirectoryName(project)!, "PACKAGE.md")), $"{project} has no PACKAGE.md beside it"));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void CodeOfAPage_Compiles(string page)
    {
        const string Implicit = """
            global using System;
            global using System.Collections.Generic;
            global using System.IO;
            global using System.Linq;
            global using System.Threading;
            global using System.Threading.Tasks;
            """;
        CSharpParseOptions options = new(LanguageVersion.Latest);
        CSharpCompilation compilation = CSharpCompilation.Create(
            "Page",
            [CSharpSyntaxTree.ParseText(Implicit, options), CSharpSyntaxTree.ParseText(CodeOf(page), options)],
            References.Value,
            new CSharpCompilationOptions(
                OutputKind.ConsoleApplication,
                nullableContextOptions: NullableContextOptions.Enable,
                // The SDK leaves these two out as well: a package was built with an older version of the runtime's assemblies.
                specificDiagnosticOptions: [new("CS1701", ReportDiagnostic.Suppress), new("CS1702", ReportDiagnostic.Suppress)]));
        Assert.Equal(
            "",
            string.Join(
                Environment.NewLine, compilation.GetDiagnostics().Where(diagnostic => diagnostic.Severity >= DiagnosticSeverity.Warning)));
    }

    private static string CodeOf(string page)
    {
        string[] lines = File.ReadAllLines(CommandRunner.At(page));
        int first = Array.IndexOf(lines, "```csharp");
        return first < 0 ? "" : string.Join('\n', lines[(first + 1)..Array.IndexOf(lines, "```", first)]);
    }
}
