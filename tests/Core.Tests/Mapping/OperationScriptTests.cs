using VmSim.Core.Mapping.Scripts;

namespace VmSim.Core.Tests.Mapping;

/// <summary>The scripts give their expected output line for line.</summary>
public sealed class OperationScriptTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "TestData", "memory-set");

    public static TheoryData<string> Scripts()
    {
        TheoryData<string> names = [];
        foreach (string file in Directory.GetFiles(Folder, "*.ops").Order(StringComparer.Ordinal))
        {
            names.Add(Path.GetFileNameWithoutExtension(file));
        }

        return names;
    }

    [Fact]
    public void Scripts_AllAreThere() => Assert.Equal(25, Scripts().Count);

    [Theory]
    [MemberData(nameof(Scripts))]
    public void Run_Script_GivesTheExpectedOutput(string name)
    {
        using StreamReader script = File.OpenText(Path.Combine(Folder, name + ".ops"));
        using StringWriter output = new();

        OperationScript.Run(script, output);

        string[] expected = File.ReadAllText(Path.Combine(Folder, name + ".expected")).Split('\n');
        string[] actual = output.ToString().Split('\n');
        for (int i = 0; i < Math.Min(expected.Length, actual.Length); i++)
        {
            Assert.True(expected[i] == actual[i], $"{name}, output line {i + 1}: expected '{expected[i]}', got '{actual[i]}'");
        }

        Assert.Equal(expected.Length, actual.Length);
    }

    [Theory]
    [InlineData("len\n\n# note\nmop 1", 4, "'mop' is no operation")]
    [InlineData("map 0x1000 0x1000 3 mock", 1, "lacks OV")]
    [InlineData("map 0x1000 0x1000 3 mock 2", 1, "must be 0 or 1")]
    [InlineData("map 0x1000 0x1000 3 mack 0", 1, "linear:OFFSET, lazy or mock")]
    [InlineData("map 0x1000 0x1000 3 linear:x 0", 1, "the offset of linear")]
    [InlineData("map 0x1000 0x1000 256 mock 0", 1, "at most 0xff")]
    [InlineData("find 0x10000000000000000", 1, "64 bits")]
    [InlineData("find -1", 1, "64 bits")]
    [InlineData("find 0x", 1, "64 bits")]
    [InlineData("len\nfind 1 2", 2, "one word too many")]
    [InlineData("over 2 1", 1, "START is above END")]
    public void Run_WrongLine_NamesTheLine(string script, int line, string message)
    {
        using StringReader reader = new(script);
        using StringWriter output = new();

        ScriptException error = Assert.Throws<ScriptException>(() => OperationScript.Run(reader, output));

        Assert.Equal(line, error.Line);
        Assert.StartsWith($"line {line}: ", error.Message);
        Assert.Contains(message, error.Message);
    }

    [Fact]
    public void Run_BlanksTabsAndComments_ArePassedOver()
    {
        using StringReader reader = new("  # a comment\r\n\r\n\tmap  4096\t0x1000 0x3 mock 0  \r\nlen\r\n");
        using StringWriter output = new();

        Assert.Equal(2, OperationScript.Run(reader, output));

        Assert.EndsWith("2 len 1\n", output.ToString());
        Assert.StartsWith("1 map ok len=1 h=bd19ac29189d247e\n", output.ToString());
    }

    [Fact]
    public void Run_PokeAndDropOfTheLastPage_HaveAnEndBeyond64Bits()
    {
        using StringReader reader = new("poke 0xffffffffffffffff 1\ndump\ndrop 0xfffffffffffff000\n");
        using StringWriter output = new();

        OperationScript.Run(reader, output);

        Assert.Contains("p 0xfffffffffffff000 0x10000000000000000 0x1 M -\n", output.ToString());
        Assert.Contains("3 drop ok len=0", output.ToString());
    }
}
