using VmSim.Actors.Configuration;
using VmSim.Core.Engine;
using VmSim.Core.Exploring;
using VmSim.Host.Commands;
using VmSim.Host.Terminal;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.Commands;

/// <summary>The machine as it is at some time, and a run message by message.</summary>
public sealed class ShowCommandTests
{
    private const string Trace = "examples/learn.vmt";

    private static readonly string[] Settings = ["machine.cores=2", "threads.placement=spread"];

    private static string[] Sets => [.. Settings.SelectMany(setting => new[] { "--set", setting })];

    [Fact]
    public async Task Show_BeforeAndAfterAnUnmap_HasTreeTlbsAndHolders()
    {
        string file = ConfigFiles.Find(Trace);
        (int code, string before, string error) = await CommandRunner.RunAsync(
            ["show", file, .. Sets, "--at", "30000", "--core", "1", "--address", "7f0000000"]);
        Assert.True(code == ExitCodes.Ok, error);
        Assert.Matches(@"core 1: runs learn/1; learn is loaded", before);
        Assert.Matches(@"0x7f0000000-0x7f0004000 +4 pages rw-p \[anon\]", before);
        Assert.Matches(@"0x7f0000000 -> 0x[0-9a-f]+ 2 x 4 KiB rw-ad", before);
        Assert.Matches(@"level 0: entry 0x000 of table page \d+ \(0x[0-9a-f]+\):\n +4 KiB at 0x[0-9a-f]+ rw-ad", before);
        Assert.Matches(@"core 1 data-4k: 0x[0-9a-f]+ ", before);
        Assert.Matches(@"pde cache: 1 entry\n +0x7f0000000 -> table page \d+, tag \d+", before);
        Assert.All(before.Split('\n'), line => Assert.InRange(line.Length, 0, Consoles.PlainWidth));

        (_, string after, _) = await CommandRunner.RunAsync(["show", file, .. Sets, "--address", "7f0000000"]);
        Assert.Contains("0x7f0001000-0x7f0004000", after, StringComparison.Ordinal);
        Assert.Matches(@"level 0: entry 0x000 .*: empty, a fault", after);
        Assert.Matches(@"hold a translation of the page:\n +none", after);
        Assert.Contains("page table: x86-64", after, StringComparison.Ordinal);

        (_, string end, _) = await CommandRunner.RunAsync(["show", file, .. Sets, "--at", "10ms"]);
        Assert.Matches(@"it has ended, with 1 area, \d pages? mapped, 4 table pages\n +0x7f0001000-0x7f0004000 ", end);
        Assert.DoesNotContain("page table:", end, StringComparison.Ordinal);
        Assert.Matches(@"Its last thread ended before that, at cycle \d", end);
        Assert.DoesNotContain("ended before", after, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--core", "2", "0 to 1 are allowed")]
    [InlineData("--space", "moon", "learn, or a number below 1, are allowed")]
    [InlineData("--address", "moon", "hexadecimal digits are allowed")]
    [InlineData("--at", "0", "cycles from 1 on, or a time in ns, us, ms or s, are allowed")]
    public async Task Show_OfWhatIsNotThere_SaysWhatIs(string option, string value, string message)
    {
        (int code, _, string error) = await CommandRunner.RunAsync(["show", ConfigFiles.Find(Trace), .. Sets, option, value]);
        Assert.Equal(ExitCodes.Usage, code);
        Assert.Contains(message, error, StringComparison.Ordinal);
    }

    [Fact]
    public void Step_ByCommands_TellsEachMessageInTheOrderOfTime()
    {
        using World world = new(ScenarioLoader.Load(ConfigFiles.Find(Trace), Settings));
        using StringWriter output = new();
        StepSession session = new(new MessageSteps(world), output, CancellationToken.None);
        session.Until(1_000, shows: false);
        int code = session.Run(new StringReader("\nn 2\nnonsense\nn x\ncores\nuntil 1s\n"));
        Assert.Equal(ExitCodes.Ok, code);
        string[] lines = output.ToString().ReplaceLineEndings("\n").Split('\n');
        Assert.Contains("\"nonsense\" is no command; help lists them", lines);
        Assert.Contains("n: \"x\" found; a whole number from 1 on is allowed", lines);
        string[] messages = [.. lines.Where(line => line.Length > 16 && char.IsAsciiDigit(line[13]))];
        long[] times = [.. messages.Select(line => long.Parse(line[..14].Replace(",", "", StringComparison.Ordinal).Trim()))];
        Assert.Equal(times.Order(), times);
        Assert.InRange(times[0], 1_000, long.MaxValue);
        Assert.Contains(messages, line => line.EndsWith("core 0 -> learn: munmap", StringComparison.Ordinal));
        int told = Array.FindIndex(messages, line => line.EndsWith("learn -> core 1: invalidate", StringComparison.Ordinal));
        Assert.InRange(told, 1, messages.Length);
        Assert.Contains(messages[told..], line => line.EndsWith("core 1 -> learn: acknowledgement", StringComparison.Ordinal));
        Assert.Equal("there are no messages any more", lines[^2]);
    }
}
