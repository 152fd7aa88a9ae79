namespace VmSim.Host.Tests.Architecture;

/// <summary>Source is tidy, with no file left out.</summary>
public sealed class TidyTests
{
    [Fact]
    public void Source_IsTidy()
    {
        string all = string.Join('\n', SourceFile.Below("src", "tests").SelectMany(Tidy.Problems));
        Assert.True(all.Length == 0, all);
    }

    /// <summary>Tests mirror what they test: a file's namespace is its project's and then its folders.</summary>
    [Fact]
    public void TestNamespaces_AreTheirFolders()
    {
        foreach (SourceFile file in SourceFile.Below("tests/Core.Tests", "tests/Actors.Tests", "tests/Host.Tests"))
        {
            string[] parts = file.Path.Split('/');
            string expected = string.Join('.', parts[2..^1].Prepend($"VmSim.{parts[1]}"));
            Assert.True(
                file.Text.Contains($"\nnamespace {expected};", StringComparison.Ordinal)
                    || file.Text.StartsWith($"namespace {expected};", StringComparison.Ordinal),
                $"{file.Path} is not in namespace {expected}");
        }
    }

    [Theory]
    [InlineData("private int count;", "field count is private: its name begins with _")]
    [InlineData("private static int _count;", "field _count is private: its name begins with s_")]
    [InlineData("private static readonly int s_count = 1;", "s_count never changes: it begins with a capital")]
    [InlineData("private const int count = 1;", "count never changes: it begins with a capital")]
    [InlineData("internal int count;", "field count is seen by others: it begins with a capital")]
    [InlineData("void M() { var x = 1; }", "var hides a type; this project names it")]
    [InlineData("void M(object o) { if (o is var x) { } foreach (var y in new int[1]) { } }", "var hides a type; this project names it")]
    public void UntidyMember_IsFound(string member, string problem)
    {
        string[] problems = [.. Tidy.Problems(Planted(member))];
        Assert.NotEmpty(problems);
        Assert.All(problems, found => Assert.Equal($"src/Core/Planted.cs:3: {problem}", found));
    }

    [Fact]
    public void LongLine_IsFound() => Assert.Equal(
        ["src/Core/Planted.cs:3: 141 columns; a line has at most 140"],
        Tidy.Problems(Planted("//" + new string('x', 139))));

    [Fact]
    public void LongMethod_IsFound() => Assert.Equal(
        ["src/Core/Planted.cs:3: M has 71 lines; a method has at most 70"],
        Tidy.Problems(Planted("void M() {" + new string('\n', 70) + "}")));

    [Fact]
    public void LongFile_IsFound() => Assert.Contains(
        "src/Core/Planted.cs: 404 lines; a file has at most 400: ask which second idea lives in it",
        Tidy.Problems(Planted(new string('\n', 400))));

    [Fact]
    public void TidyMembers_AreNoProblem() => Assert.Empty(Tidy.Problems(Planted(
        "private readonly int _count; private static int s_count;\n"
        + "private static readonly int Most = 1; public const int Least = 0; int M() => _count + s_count;")));

    private static SourceFile Planted(string member) => new("src/Core/Planted.cs", $"internal class Planted\n{{\n{member}\n}}\n");
}
