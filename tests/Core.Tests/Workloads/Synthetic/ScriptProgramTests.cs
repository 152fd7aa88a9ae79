using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Workloads.Synthetic;
using VmSim.Testing;

namespace VmSim.Core.Tests.Workloads.Synthetic;

public sealed class ScriptProgramTests
{
    [Fact]
    public void Parse_Script_IsWhatFormatWrites()
    {
        const string Text = "munmap 0-1, pause 200, load 1 | store 0 | ";
        Assert.Equal(Text, ScriptStep.Format(ScriptStep.Parse(Text, 2)));
    }

    [Theory]
    [InlineData("munmap")]
    [InlineData("free 0")]
    [InlineData("3 0")]
    [InlineData("load 2")]
    [InlineData("load 0-1")]
    [InlineData("munmap 1-0")]
    [InlineData("munmap 0-1-1")]
    [InlineData("munmap -1")]
    [InlineData("pause 0")]
    [InlineData("pause 1-2")]
    [InlineData("load 0 1")]
    public void Parse_WhatIsNoStep_IsRefused(string text)
    {
        ArgumentException error = Assert.Throws<ArgumentException>(() => ScriptStep.Parse(text, 2));
        Assert.StartsWith($"script: \"{text}\" found; ", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(3, 3)]
    [InlineData(0, 4)]
    public void Build_Threads_AreAtLeastAsManyAsTheScriptHas(int threads, int expected)
    {
        ProgramImage image = new ScriptProgram { Script = "load 0 | load 1", Threads = threads }.Build(new ProgramContext("p", 0, 1, 4));
        Assert.Equal(expected, image.Threads.Count);
    }

    [Theory]
    [InlineData("anonymous")]
    [InlineData("file")]
    [InlineData("device")]
    public void Run_EveryStep_CompletesUnderTheChecker(string memory)
    {
        ScriptProgram program = new()
        {
            Pages = 3,
            Memory = memory,
            Script = "munmap 0, map 0-1, dontneed 1, pageout 0-2, sleep 5000, load 0 | move 2, mprotect 0-1, load 1, unprotect 0, store 0"
                + " | ",
        };
        ProgramImage image = program.Build(new ProgramContext("p", 0, 1, 3));
        RunReport report = TestWorlds.Run(new ScenarioSpec
        {
            Machine = new MachineSpec { Cores = 3 },
            Processes = [new ProcessSpec { Name = "p", Program = _ => image }],
        });
        Assert.Equal(RunOutcomes.Completed, report.Outcome);
        Assert.Equal(7, report.Total("systemCalls"));
    }
}
