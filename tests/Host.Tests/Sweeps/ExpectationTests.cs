using System.Text.Json.Nodes;
using VmSim.Actors.Configuration;
using VmSim.Core.Scenarios;
using VmSim.Host.Terminal;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.Sweeps;

public sealed class ExpectationTests : IDisposable
{
    private const StringComparison Exact = StringComparison.Ordinal;
    private static readonly string Scenario = CommandRunner.At("config/scenarios/munmap-latr.conf");
    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-tests-").FullName;

    [Theory]
    [InlineData("5", 5, 5, "5")]
    [InlineData("1590..1610", 1590, 1610, "1590..1610")]
    [InlineData("..5", double.NegativeInfinity, 5, "..5")]
    [InlineData("1_000 ..", 1000, double.PositiveInfinity, "1000..")]
    public void TryParse_Bounds_AreReadAndWrittenBack(string text, double least, double most, string bounds)
    {
        Expectation expected = Expectation.TryParse("cycles", text)!;
        Assert.Equal((least, most, bounds), (expected.Least, expected.Most, expected.Bounds));
        Assert.Equal(expected, Expectation.TryParse("cycles", expected.Bounds));
    }

    [Theory]
    [InlineData("..")]
    [InlineData("")]
    [InlineData("5..4")]
    [InlineData("few")]
    public void TryParse_WhatIsNone_IsNull(string text) => Assert.Null(Expectation.TryParse("cycles", text));

    /// <summary>What does not hold is named with exit code 1; effective.conf has the block.</summary>
    [Fact]
    public async Task Run_OtherThanExpected_EndsWithOne()
    {
        string file = await FileAsync("expect {\n  segmentationFaults = 0\n  ipisSent = 5..\n  latency.unmap.count = 1..1000000\n}");
        (int code, _, string error) = await RunAsync(file, "--fail-on", "mapOperations > 0", "--fail-on", "findings", "--out", _folder);
        Assert.Equal(ExitCodes.Broken, code);
        Assert.Contains("vmsim: expect.ipisSent: 0 found, 5.. expected", error, Exact);
        Assert.Contains("vmsim: --fail-on mapOperations > 0: ", error, Exact);

        // The first line says what memory the run needs.
        Assert.Equal(3, error.Split("vmsim: ").Length - 1);
        string effective = Path.Combine(_folder, "effective.conf");
        Assert.Equal(3, ScenarioLoader.Load(effective, []).Expect.Count);
        (code, _, error) = await RunAsync(effective, "--set", "expect.ipisSent=0");
        Assert.True(code == ExitCodes.Ok, error);
    }

    [Theory]
    [InlineData("expect { ipiSent = 5 }", "expect.ipiSent: there is no figure \"ipiSent\" in a report; did you mean ipisSent?")]
    [InlineData("expect { ipisSent = few }", "expect.ipisSent: \"few\" found; a number, A..B, A.. or ..B is allowed")]
    [InlineData("expect = 5", "expect: a block { ... } is needed")]
    public async Task Load_WrongExpectation_IsSaidWithItsPlace(string block, string expected)
    {
        (int code, _, string error) = await RunAsync(await FileAsync(block));
        Assert.Equal(ExitCodes.BadInput, code);
        Assert.Contains("line 2: ", error, Exact);
        Assert.Contains(expected, error, Exact);
    }

    /// <summary>Accesses that found no memory are why a kernel ends processes: such a run has not completed.</summary>
    [Fact]
    public async Task Run_OutOfMemory_IsNotCompleted()
    {
        (int code, string output, _) = await RunAsync(await FileAsync(""), "--set", "memory.bytes=64 KiB");
        Assert.Equal(ExitCodes.Broken, code);
        Assert.Contains("out-of-memory", output, Exact);
        Assert.Contains("found no memory left", output, Exact);
    }

    [Fact]
    public async Task Run_Program_SaysToCaptureItFirst()
    {
        (int code, _, string error) = await RunAsync("/bin/true");
        Assert.Equal(ExitCodes.BadInput, code);
        Assert.Contains("/bin/true: this is a program; capture it first: vmsim capture -o true.vmt.gz -- /bin/true", error, Exact);
    }

    [Fact]
    public async Task Run_QuietOrAsJson_WritesNothingOrTheReport()
    {
        string file = await FileAsync("");
        (int code, string output, string error) = await RunAsync(file, "--quiet");
        Assert.Equal((ExitCodes.Ok, "", ""), (code, output, error));
        (_, output, _) = await RunAsync(file, "--json");
        Assert.Equal("mine", (string?)JsonNode.Parse(output)!["scenario"]);
    }

    [Fact]
    public async Task NoCommand_ShowsTheHelp()
    {
        (int code, string output, string error) = await CommandRunner.RunAsync();
        Assert.Equal((ExitCodes.Ok, ""), (code, error));
        Assert.Contains("sweep", output, Exact);
        Assert.DoesNotContain("sweep-worker", output, Exact);
    }

    [Fact]
    public async Task List_InAPipe_IsATableWithTabs()
    {
        (_, string output, _) = await CommandRunner.RunAsync("list", "counters");
        Assert.Contains("\nipisSent\t", output, Exact);
        (_, output, _) = await CommandRunner.RunAsync("list", "settings");
        Assert.Matches("(?m)^machine.cores\t\\d+\t[^\t]+\t[^\t]+\tScenario$", output);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static Task<(int Code, string Output, string Error)> RunAsync(string file, params string[] options) =>
        CommandRunner.RunAsync(["run", file, "--threads", "1", .. options]);

    private async Task<string> FileAsync(string block)
    {
        string file = Path.Combine(_folder, "mine.conf");
        await File.WriteAllTextAsync(
            file,
            $"name = mine\n{block}\nmachine.cores = 4\nshootdown.protocol = latr\n"
            + "processes = [\n{\nname = p\nprogram = munmap-shared\nthreads = 2\niterations = 20\npages = 8\n}\n]\n");
        return file;
    }
}
