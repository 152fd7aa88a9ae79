using System.Text;
using VmSim.Core.Traces;
using VmSim.Host.Maps;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.Maps;

/// <summary>Traces against what the kernel said of the same run.</summary>
public sealed class MapsReplayTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Maps", "Data");
    private static readonly string[] Trace = File.ReadAllLines(Path.Combine(Folder, "areas.vmt"));

    [Fact]
    public void Run_RecordedProgram_HasTheKernelsAreasAtEachPoint()
    {
        MapsVerdict verdict = Replay(Trace);
        Assert.True(verdict.IsEqual);
        Assert.Equal((10, 0, 0), (verdict.Checks.Count, verdict.SkippedPoints, verdict.Notes.Count));
        Assert.Equal(34, verdict.Checks[^1].Areas);
    }

    [Theory]
    [InlineData("u 7f4c973b9000 1000")]
    [InlineData("p 7f4c973b5000 2000 1")]
    [InlineData("m 7f4c975a7000 8000 3 21 - 0")]
    [InlineData("r 7f4c9736d000 40000 20000 0 7f4c9736d000")]
    [InlineData("m 7f4c973af000 1000 3 32 - 0")]
    [InlineData("b 55f112d6a000")]
    public void Run_TraceWithoutACall_PartsFromTheKernel(string lost)
    {
        Assert.Contains(lost, Trace);
        Assert.False(Replay([.. Trace.Where(line => line != lost)]).IsEqual);
    }

    [Theory]
    [InlineData("p 7f4c975a7000 1000 0", "p 7f4c975a7000 1000 1", "---s shared memory", "r--s")]
    [InlineData("m 7f4c973ae000 2064 1 2 3 1000", "m 7f4c973ae000 2064 1 2 3 2000", "areas from 1000", "areas from 2000")]
    [InlineData("m 7f4c973ae000 2064 1 2 3 1000", "m 7f4c973ae000 2064 1 2 1 1000", "/home/user/areas", "/etc/ld.so.cache")]
    [InlineData("m 7f4c975a6000 1000 1 1 3 0", "m 7f4c975a6000 2000 1 1 3 0", "---s shared memory", "r--s /home/user/areas from 1000")]
    public void Run_WrongCall_IsNamed(string right, string wrong, string kernel, string replay)
    {
        int record = Array.IndexOf(Trace, right) + 1;
        Assert.True(record > 0);
        MapsVerdict verdict = Replay([.. Trace.Select(line => line == right ? wrong : line)]);
        MapsCheck check = verdict.Checks.First(found => found.Differences.Count > 0);
        Assert.StartsWith($"record {record}: ", check.Parting);
        Assert.Contains(check.Differences, found => found.Kernel.Contains(kernel, StringComparison.Ordinal));
        Assert.Contains(check.Differences, found => found.Replay.Contains(replay, StringComparison.Ordinal));
    }

    [Fact]
    public void Run_CallThatCannotBe_IsCountedAndNamed()
    {
        MapsVerdict verdict = Replay([.. Trace, "p 1000 1000 1"]);
        Assert.Equal(1, verdict.FailedCalls);
        Assert.Contains("mprotect 1000", Assert.Single(verdict.Notes));
        Assert.False(verdict.IsEqual);
    }

    [Fact]
    public void Run_ForkedProcesses_AreComparedEach()
    {
        const string Maps =
            """
            # vmaps 1 pagesize 4096
            @ 7 5 start /bin/a
            400000-401000 r-xp 00000000 fe:01 1 /bin/a
            @ 8 7 exit /bin/a
            400000-401000 r-xp 00000000 fe:01 1 /bin/a
            7000000-7001000 rw-p 00000000 00:00 0
            @ 9 7 exit /bin/a
            @ 7 5 exit /bin/a
            400000-401000 r-xp 00000000 fe:01 1 /bin/a
            7000000-7002000 rw-p 00000000 00:00 0
            7ffff7fc0000-7ffff7fc2000 r-xp 00000000 00:00 0 [vdso]
            """;
        MapsVerdict verdict = Replay(
            ["t 0", "m 7000000 2000 3 22 - 0", "W 7000", "k fork 8"],
            Maps,
            name => name == "x.child.8.vmt" ? "t 0\nu 7001000 1000\n" : null);
        Assert.True(verdict.IsEqual, string.Join('\n', verdict.Checks.SelectMany(check => check.Differences)));
        Assert.Equal([8UL, 7], verdict.Checks.Select(check => check.Process));
        Assert.Equal(1UL, verdict.Checks[^1].Resident!.ReplayAnonymous);
        Assert.Contains(verdict.Notes, note => note.Contains("process 9 ", StringComparison.Ordinal));
    }

    [Fact]
    public void Run_GuessOfWhatExecMapped_GivesWayToTheKernelsWord()
    {
        const string Maps =
            """
            # vmaps 1 pagesize 4096
            @ 7 5 start /bin/a
            400000-401000 r-xp 00000000 fe:01 1 /bin/a
            401000-403000 rw-p 00001000 fe:01 1 /bin/a
            @ 7 5 exit /bin/a
            400000-401000 r-xp 00000000 fe:01 1 /bin/a
            401000-402000 r--p 00001000 fe:01 1 /bin/a
            402000-403000 rw-p 00002000 fe:01 1 /bin/a
            """;
        MapsVerdict verdict = Replay(["t 0", "i 401000 1000 3 22 - 0 [exec]", "p 401000 1000 1"], Maps, _ => null);
        Assert.True(verdict.IsEqual, string.Join('\n', verdict.Checks.SelectMany(check => check.Differences)));
        Assert.Empty(verdict.Notes);
    }

    [Fact]
    public void Run_GuessBehindOtherCalls_GivesWayToTheKernelsWordToo()
    {
        const string Maps =
            """
            # vmaps 1 pagesize 4096
            @ 7 5 start /bin/a
            400000-402000 rw-p 00001000 fe:01 1 /bin/a
            @ 7 5 exit /bin/a
            400000-401000 r--p 00001000 fe:01 1 /bin/a
            401000-402000 rw-p 00002000 fe:01 1 /bin/a
            7000000-7001000 rw-p 00000000 00:00 0
            """;
        MapsVerdict verdict = Replay(
            ["t 0", "k exec", "m 7000000 1000 3 22 - 0", "i 400000 1000 3 22 - 0 [exec]", "p 400000 1000 1"], Maps, _ => null);
        Assert.True(verdict.IsEqual, string.Join('\n', verdict.Checks.SelectMany(check => check.Differences)));
    }

    [Fact]
    public void Run_ChildThatExecutes_BeginsWithWhatTheKernelSaysOfItsProgram()
    {
        const string Maps =
            """
            # vmaps 1 pagesize 4096
            @ 7 5 start /bin/a
            400000-401000 r-xp 00000000 fe:01 1 /bin/a
            @ 8 7 exec /bin/a
            400000-401000 r-xp 00000000 fe:01 1 /bin/a
            @ 8 7 start /bin/b
            500000-502000 rw-p 00000000 fe:01 2 /bin/b
            @ 8 7 exit /bin/b
            500000-501000 r--p 00000000 fe:01 2 /bin/b
            501000-502000 rw-p 00001000 fe:01 2 /bin/b
            7000000-7001000 rw-p 00000000 00:00 0
            @ 7 5 exit /bin/a
            400000-401000 r-xp 00000000 fe:01 1 /bin/a
            """;
        MapsVerdict verdict = Replay(
            ["t 0", "k exec", "k fork 8"],
            Maps,
            _ => "t 0\nk exec\nb 9000000\nm 7000000 1000 3 22 - 0\ni 500000 1000 3 22 - 0 [exec]\np 500000 1000 1\n");
        Assert.True(verdict.IsEqual, string.Join('\n', verdict.Checks.SelectMany(check => check.Differences)));
        Assert.Equal(["before exec", "at its end", "at its end"], verdict.Checks.Select(check => check.Moment));
        Assert.Equal(5, verdict.Checks.Sum(check => check.Compared));
    }

    [Fact]
    public void Run_TraceThatSaysWhatItsProgramBeginsWith_TakesTheNextProgramFromItsOwnStart()
    {
        const string Maps =
            """
            # vmaps 1 pagesize 4096
            @ 7 5 exec /usr/bin/perf
            300000-301000 r-xp 00000000 fe:01 1 /usr/bin/perf
            @ 7 5 start /bin/a
            400000-401000 r-xp 00000000 fe:01 1 /bin/a
            @ 7 5 exec /bin/a
            400000-401000 r-xp 00000000 fe:01 1 /bin/a
            @ 7 5 start /bin/b
            500000-501000 r-xp 00000000 fe:01 2 /bin/b
            @ 7 5 exit /bin/b
            500000-501000 r-xp 00000000 fe:01 2 /bin/b
            7000000-7001000 rw-p 00000000 00:00 0
            """;
        MapsVerdict verdict = Replay(
            ["f 1 /bin/a", "i 400000 1000 5 2 1 0", "t 0", "b 600000", "k exec", "m 7000000 1000 3 22 - 0"], Maps, _ => null);
        Assert.True(verdict.IsEqual, string.Join('\n', verdict.Checks.SelectMany(check => check.Differences)));
    }

    [Fact]
    public async Task Verify_WithMaps_SaysWhereTheyPart()
    {
        string maps = Path.Combine(Folder, "areas.maps.gz");
        (int code, string output, _) = await CommandRunner.RunAsync("trace", "verify", Path.Combine(Folder, "areas.vmt"), "--maps", maps);
        Assert.Equal(0, code);
        Assert.Contains("(areas) at its end: 34 areas, as the kernel has them", output);
        Assert.Contains("processes: 1; moments: 10; areas compared: ", output);
        Assert.Contains("resident pages ", output);
        string cut = Path.Combine(Directory.CreateTempSubdirectory("vmsim-test-").FullName, "cut.vmt");
        await File.WriteAllLinesAsync(cut, Trace[..^2]);
        (code, output, _) = await CommandRunner.RunAsync("trace", "verify", cut, "--maps", maps);
        Directory.Delete(Path.GetDirectoryName(cut)!, recursive: true);
        Assert.NotEqual(0, code);
        Assert.Contains("the trace and the kernel part after record 31: brk 55f112d6d000", output);
    }

    private static MapsVerdict Replay(string[] lines)
    {
        using StreamReader reader = new(TraceStreams.Unpack(File.OpenRead(Path.Combine(Folder, "areas.maps.gz"))));
        return Replay(lines, reader.ReadToEnd(), _ => null);
    }

    private static MapsVerdict Replay(string[] lines, string maps, Func<string, string?> child)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(string.Join('\n', lines) + "\n");
        return MapsReplay.Run(
            () => TraceSources.Open(new MemoryStream(bytes), "x.vmt"),
            name => child(name) is { } text ? new MemoryStream(Encoding.UTF8.GetBytes(text)) : null,
            KernelMaps.Read(new StringReader(maps), "x.maps"),
            null);
    }
}
