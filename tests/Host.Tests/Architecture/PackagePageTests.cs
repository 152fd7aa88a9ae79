using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.Architecture;

/// <summary>What the pages of packages show is a program that compiles.</summary>
public sealed class PackagePageTests
{
    /// <summary>This page quotes examples that are tests, which another test compares.</summary>
    private const string QuotesTests = "src/Core/Mapping/PACKAGE.md";

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
    public void CodeOfAPage_Compiles(string page) => Assert.Equal("", SampleCompiler.Complaints(new SourceFile(page, CodeOf(page))));

    private static string CodeOf(string page)
    {
        string[] lines = File.ReadAllLines(CommandRunner.At(page));
        int first = Array.IndexOf(lines, "```csharp");
        return first < 0 ? "" : string.Join('\n', lines[(first + 1)..Array.IndexOf(lines, "```", first)]);
    }
}
