using System.Xml.Linq;
using VmSim.Host.Drawing;
using VmSim.Host.Terminal;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.Commands;

public sealed class ExploreCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-explore").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Explore_ShippedProtocols_BreakNothing()
    {
        (int code, string output, string error) =
            await CommandRunner.RunAsync("explore", "all", "--operations", "1", "--pages", "1", "--delays", "1");
        Assert.True(code == ExitCodes.Ok, error);
        Assert.Contains("linux, 2 cores x 1 operation x 1 page: ", output, StringComparison.Ordinal);
        Assert.Contains("every order up to 1 delay: no rule broken", output, StringComparison.Ordinal);
        Assert.Contains("left out: more than 1 delay in a run", output, StringComparison.Ordinal);
    }

    /// <summary>A scenario in which a core goes on using what a lazy protocol may still use; a state file is of no use there.</summary>
    [Fact]
    public async Task Explore_Scenario_TriesItsOrders()
    {
        string path = Write("small.conf", "machine.cores = 2\nprocesses = [ { program = script, script = \"dontneed 0 | load 0\" } ]\n");
        (int code, string output, string error) = await CommandRunner.RunAsync("explore", path, "--delays", "1");
        Assert.True(code == ExitCodes.Ok, error);
        Assert.Contains("every order up to 1 delay: no rule broken", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explore_WithAState_GoesOnFromIt()
    {
        string state = Path.Combine(_folder, "state");
        string[] command = ["explore", "latr", "--operations", "1", "--pages", "1", "--delays", "0", "--state", state];
        (int code, string first, string error) = await CommandRunner.RunAsync(command);
        Assert.True(code == ExitCodes.Ok, error);
        (code, string again, error) = await CommandRunner.RunAsync(command);
        Assert.True(code == ExitCodes.Ok, error);
        Assert.Equal(first.Split('(')[0], again.Split('(')[0]);
        (code, _, error) = await CommandRunner.RunAsync([.. command, "--longest", "1000"]);
        Assert.Equal(ExitCodes.BadInput, code);
        Assert.Contains("a state of ", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ExitCodes.Usage, "--alphabet", "explore", "linux", "--alphabet", "load jump")]
    [InlineData(ExitCodes.Usage, "--cores", "explore", "linux", "--cores", "5")]
    [InlineData(ExitCodes.Usage, "--spaces of 2", "explore", "linux", "--others", "load 0")]
    [InlineData(ExitCodes.Usage, "verbs are", "explore", "linux", "--spaces", "2", "--others", "jump 0")]
    [InlineData(ExitCodes.Usage, "--state", "explore", "all", "--state", "somewhere")]
    [InlineData(ExitCodes.BadInput, "there is no such file", "explore", "nowhere.conf")]
    [InlineData(ExitCodes.BadInput, "a small world", "explore", "quickstart")]
    public async Task Explore_BadInput_IsOneSentence(int expected, string word, params string[] args)
    {
        (int code, _, string error) = await CommandRunner.RunAsync(args);
        Assert.Equal(expected, code);
        Assert.Contains(word, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_ScheduleThatIsNone_IsRefused()
    {
        string path = Write("late.conf", "machine.cores = 2\nprocesses = [ { program = script, script = \"load 0\" } ]\n");
        (int code, _, string error) = await CommandRunner.RunAsync("run", path, "--set", "schedule=\"core 7/1 +5\"");
        Assert.Equal(ExitCodes.BadInput, code);
        Assert.Contains("schedule: \"core 7/1 +5\" found", error, StringComparison.Ordinal);
        (code, _, error) = await CommandRunner.RunAsync("run", path, "--set", "schedule=\"space 3/1 +5\"");
        Assert.Equal(ExitCodes.BadInput, code);
        Assert.Contains("schedule: space 3 found", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_DelayOfNoMessage_IsAFinding()
    {
        string path = Write("late.conf", "machine.cores = 2\nprocesses = [ { program = script, script = \"load 0\" } ]\n");
        string[] command = ["run", path, "--fail-on", "findings", "--set"];
        (int code, string output, _) = await CommandRunner.RunAsync([.. command, "schedule=\"core 0/0 +5, core 1/99 +5\""]);
        Assert.Equal(ExitCodes.Broken, code);
        Assert.Contains("schedule: \"core 1/99 +5\" made no message late: its sender sent 0", output, StringComparison.Ordinal);
        Assert.DoesNotContain("\"core 0/0 +5\" made", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Diagram_IsWellFormed_AndHasEachPart()
    {
        SequenceDiagram diagram = new(
            "a < b",
            ["core 0", "space p"],
            [new DiagramMessage(0, 1, 5, 9, "munmap", Emphasis.None), new DiagramMessage(1, 1, 9, 30, "goes on & on", Emphasis.Late)],
            [new DiagramMark(0, 12, "load \"0\"", Emphasis.Wrong)]);
        using StringWriter text = new();
        diagram.Write(text);
        XDocument picture = XDocument.Parse(text.ToString());
        string[] words = [.. picture.Descendants().Where(element => element.Name.LocalName == "text").Select(element => element.Value)];
        string[] expected = ["a < b", "core 0", "space p", "munmap", "goes on & on", "load \"0\"", "5", "9", "12", "30"];
        Assert.All(expected, word => Assert.Contains(word, words));
        Assert.Contains("#cc0000", text.ToString(), StringComparison.Ordinal);
    }

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }
}
