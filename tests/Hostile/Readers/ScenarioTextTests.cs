using VmSim.Host.Tests.CommandLine;

namespace VmSim.Hostile.Tests.Readers;

/// <summary>Scenarios that are not closed, too deep, too long, or name other files: each is answered with its place and a remedy.</summary>
public sealed class ScenarioTextTests : Scratch
{
    [Theory]
    [InlineData("a = [ }", "line 1, column 7: } found; a value is needed")]
    [InlineData("a = [", "line 1, column 6: the text ends within the list that begins at line 1, column 5; a ] is missing")]
    [InlineData("machine {\n cores = 2\n", "line 3, column 1: the text ends within the block that begins at line 1, column 9; a } is")]
    [InlineData("processes = [\n { program = pattern\n]", "line 3, column 1: ] found; a key is needed")]
    [InlineData("processes = [ { program = pattern } { program = pattern } ]", "column 37: { found beside another value; a comma or")]
    [InlineData("name = \"x\nseed = 1", "the text in quotes that begins at line 1, column 8 is not closed on its line")]
    [InlineData("name = \"\"\"x\nseed = 1", "the text in three quotes that begins at line 1, column 8 is not closed")]
    [InlineData("seed 1", "line 1, column 6: 1 found after the key seed; = or { is needed")]
    [InlineData("seed =", "the end of the text found; a value is needed")]
    [InlineData("}", "line 1, column 1: } found, and no block is open here")]
    [InlineData("seed = 1 }", "line 1, column 10: } found; a comma or a new line is needed")]
    [InlineData("a += 1", "+= is not supported; write the list whole")]
    [InlineData("name = a@b", "line 1, column 9: @ found in a value; put the value in quotes")]
    [InlineData("name = \"\\q\"", "a \\ in quotes found")]
    [InlineData("name = \u0007", "a control character (U+0007) found")]
    [InlineData("plug-ins = [ \"a\\u0000b\" ]", "line 1, column 21: a text in quotes with U+0000 found")]
    [InlineData("include \"a\0b\"", "a text in quotes with U+0000 found")]
    [InlineData("name = \"\"\"a\0b\"\"\"", "a text in quotes with U+0000 found")]
    [InlineData("name = ${seed\n", "write a reference as ${key}")]
    [InlineData("name = ${nothing}", "there is no such key; ${?nothing} allows that")]
    [InlineData("name = ${name}", "refers to itself")]
    [InlineData("a = ${b}\nb = ${a}", "refers to itself")]
    [InlineData("include url(\"http://x\")", "only files can be included: include \"FILE\"")]
    [InlineData("include \"none.conf\"", "there is no file")]
    [InlineData("machine = zen4", "machine: \"zen4\" found; a profile is named by machine-profile = zen4")]
    [InlineData("machine.name = server-2s", "machine.name: \"server-2s\" found; a profile is named by machine-profile = server-2s")]
    [InlineData("kernel = linux-6.18-kvm", "a profile is named by kernel-profile = linux-6.18-kvm")]
    public async Task Run_BrokenText_IsAnsweredWithPlaceAndRemedy(string text, string expected) =>
        AssertSays(expected, await RefusedAsync("run", Write("broken.conf", text)));

    [Theory]
    [InlineData("a = ", "[")]
    [InlineData("a = ", "{")]
    [InlineData("", "a {")]
    [InlineData("", "a { b = [ ")]
    [InlineData("", "a.")]
    [InlineData("", "\"a\".")]
    public async Task Run_DeepText_IsRefused(string start, string piece)
    {
        string text = start + string.Concat(Enumerable.Repeat(piece, 20_000));
        AssertSays("line 1, column", await RefusedAsync("run", Write("deep.conf", text)));
    }

    [Fact]
    public async Task Run_ReferencesThatMultiply_AreRefused()
    {
        string text = "a0 = xxxxxxxxxx\n"
            + string.Concat(Enumerable.Range(1, 30).Select(i => $"a{i} = ${{a{i - 1}}} ${{a{i - 1}}} ${{a{i - 1}}}\n"));
        AssertSays("the texts of references come to more than", await RefusedAsync("run", Write("many.conf", text)));
    }

    [Fact]
    public async Task Run_LongText_IsRefusedBeforeItIsRead() => AssertSays(
        "more than 8,388,608 characters", await RefusedAsync("run", Write("long.conf", new string('#', 9 << 20))));

    [Fact]
    public async Task Run_EndlessDevice_IsRefused() =>
        AssertSays("more than 8,388,608 characters", await RefusedAsync("run", "/dev/zero"));

    [Fact]
    public async Task Run_FilesOfTheReportedCases_AreRefused()
    {
        AssertSays("column 7", await RefusedAsync("run", Data("hocon-endless-7bytes.conf")));
    }

    [Fact]
    public async Task Run_Include_IsRelativeToItsFile()
    {
        Directory.CreateDirectory(At("parts"));
        Write("parts/machine.conf", "include \"cores.conf\"\nmachine.sockets = 1\n");
        Write("parts/cores.conf", "machine.cores = 3\n");
        const string Include = "include required(file(\"parts/machine.conf\"))";
        string scenario = Write("run.conf", Tiny.Replace("machine.cores = 2", Include, StringComparison.Ordinal));
        (int code, _, string error) = await CommandRunner.RunAsync("run", scenario, "--out", At("out"));
        Assert.True(code == 0, error);
        AssertSays("  cores = 3\n", await File.ReadAllTextAsync(At("out/effective.conf")));
    }

    [Fact]
    public async Task Run_IncludesInACircle_AreNamed()
    {
        Write("b.conf", "include \"a.conf\"\n");
        string error = await RefusedAsync("run", Write("a.conf", "include \"b.conf\"\n"));
        AssertSays("b.conf: line 1, column 9", error);
        AssertSays($"a.conf includes itself: {At("a.conf")} includes {At("b.conf")} includes {At("a.conf")}", error);
    }

    [Fact]
    public async Task Run_SetOfAProcess_ReachesItByNumberAndName()
    {
        string two = Write("two.conf", Tiny.Replace(
            " }\n]", " }\n {\n name = web\n program = pattern\n }\n]", StringComparison.Ordinal));
        (int code, _, string error) = await CommandRunner.RunAsync(
            "run", two, "--set", "processes.0.threads=3", "--set", "processes.web.threads=5", "--set", "processes[1].name=front",
            "--out", At("out"));
        Assert.True(code == 0, error);
        string effective = await File.ReadAllTextAsync(At("out/effective.conf"));
        AssertSays("threads = 3", effective);
        AssertSays("threads = 5", effective);
        AssertSays("name = front", effective);
        Assert.Contains(
            "processes.db: there is no such process; there are 0 (pattern), 1 (web)",
            await RefusedAsync("run", two, "--set", "processes.db.threads=3"),
            StringComparison.Ordinal);
    }
}
