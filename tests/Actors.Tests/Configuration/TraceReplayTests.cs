using VmSim.Actors.Configuration;
using VmSim.Core.Programs;
using VmSim.Core.Scenarios;

namespace VmSim.Actors.Tests.Configuration;

/// <summary>The settings of a process that has a trace.</summary>
public sealed class TraceReplayTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-replay-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Load_InitialMapsOff_LeavesOnlyThemOut()
    {
        Assert.Single(Load("initial-maps = on").Program(0).InitialMappings);
        ProgramImage without = Load("initial-maps = off").Program(0);
        Assert.Empty(without.InitialMappings);
        Assert.Equal(2, without.Threads[0].SystemCalls.Count);
    }

    [Fact]
    public void Load_AslrOff_EveryCopyUsesTheTracesAddresses()
    {
        ProcessSpec process = Load("aslr = off");
        Assert.All(Enumerable.Range(0, 4), copy => Assert.Equal(0x5555_5555_4000UL, process.Program(copy).InitialMappings[0].Start.Value));
    }

    [Fact]
    public void Load_AslrOn_CopiesDifferAndTheSeedDecides()
    {
        ulong[] first = Starts(Load("aslr = on"));
        Assert.Equal(16, first.Distinct().Count());
        Assert.Equal(first, Starts(Load("aslr = on")));
        Assert.NotEqual(first, Starts(Load("aslr = on", "seed=2")));
        Assert.All(first, start => Assert.Equal(0UL, start & 0xFFF));
    }

    /// <summary>As noise it is the same as of the process itself.</summary>
    [Fact]
    public void Load_NoiseAslrOn_IsAslrOfEveryTrace() =>
        Assert.Equal(Starts(Load("aslr = on")), Starts(Load("aslr = off", "noise.aslr=on")));

    [Fact]
    public void Load_NoiseAslrOn_CopiesOfAProgramLieAtAddressesOfTheirOwn()
    {
        Assert.Single(Places("off", 1).Distinct());
        ulong[] first = Places("on", 1);
        Assert.Equal(16, first.Distinct().Count());
        Assert.Equal(first, Places("on", 1));
        Assert.NotEqual(first, Places("on", 2));

        ulong[] Places(string aslr, int seed)
        {
            string text = $"seed = {seed}\nnoise.aslr = {aslr}\n"
                + "processes = [\n {\n program = map-touch-unmap\n count = 16\n }\n]";
            ProcessSpec process = Assert.Single(ScenarioLoader.Parse(text, "here", _folder, []).Processes);
            return [.. Enumerable.Range(0, 16).Select(copy => process.Program(copy).Threads[0].SystemCalls[0].Start.Value)];
        }
    }

    [Fact]
    public void Load_AslrWithFixedProgram_WarnsOfThePagesKept() =>
        Assert.Contains("2 pages stay", Assert.Single(Load("aslr = on", program: "400000").Warnings), StringComparison.Ordinal);

    private static ulong[] Starts(ProcessSpec process) =>
        [.. Enumerable.Range(0, 16).Select(copy => process.Program(copy).InitialMappings[0].Start.Value)];

    private ProcessSpec Load(string setting, string? set = null, string program = "555555554000")
    {
        File.WriteAllText(
            Path.Combine(_folder, "x.vmt"),
            $"# vmt 1 x pagesize 4096 filter direct-mapped sets=16 (separate I and D)\nf 1 /bin/x\ni {program} 2000 5 2 1 0\nt 0\nm "
                + $"7ffff7a00000 4000 3 22 - 0\nW 7ffff7a01\nu 7ffff7a00000 4000\n");
        string text = $"processes = [\n {{\n trace = x.vmt\n count = 16\n {setting}\n }}\n]";
        return Assert.Single(ScenarioLoader.Parse(text, "here", _folder, set is null ? [] : [set]).Processes);
    }
}
