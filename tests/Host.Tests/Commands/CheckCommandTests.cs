using VmSim.Core.Addresses;
using VmSim.Core.Memory;
using VmSim.Core.Memory.Backends;
using VmSim.Host.Terminal;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.Commands;

/// <summary>A backend, as a plug-in, that takes a second frame at each first touch and forgets it.</summary>
public sealed class ForgetfulBackend : MemoryBackend
{
    /// <inheritdoc/>
    public override string Name => "forgetful";

    /// <inheritdoc/>
    public override FaultKind HandleFault(in Fault fault, SpaceMemory memory)
    {
        memory.TryAllocate(FrameKind.Anonymous, out PhysAddr _);
        return LazyBackend.Instance.HandleFault(fault, memory);
    }
}

public sealed class CheckCommandTests
{
    /// <summary>A run that is clean says what was watched; one that nobody watched does not.</summary>
    [Theory]
    [InlineData("check", "off", "2 shootdowns; no rule was broken")]
    [InlineData("run", "values", "2 shootdowns, and what each page holds; no rule was broken")]
    [InlineData("run", "off", null)]
    public async Task Run_CleanWithTheChecker_SaysWhatItWatched(string command, string check, string? words)
    {
        (int code, string output, string error) = await CommandRunner.RunAsync(
            command, CommandRunner.At("config/examples/learn.vmt"), "--set", $"check={check}", "--set", "machine.cores=2");
        Assert.True(code == ExitCodes.Ok, error);
        Assert.Equal(words is not null, output.Contains("checked: 91,005 accesses of 2 cores, ", StringComparison.Ordinal));
        Assert.Contains(words ?? "fingerprint", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("run", "--check")]
    [InlineData("run", "--set", "check=on")]
    [InlineData("run", "--set", "check=values")]
    [InlineData("check")]
    public async Task Run_BrokenRuleWithTheChecker_EndsWithCode1AndTheTrace(string command, params string[] options)
    {
        (int code, string output, _) = await RunAsync(command, options);
        Assert.Equal(ExitCodes.Broken, code);
        Assert.Contains("FramesLost", output, StringComparison.Ordinal);
        Assert.Contains("(Anonymous) has 1 reference in the pool, and 0 can be found", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("run")]
    [InlineData("run", "--set", "check=off")]
    public async Task Run_BrokenRuleWithoutTheChecker_GoesUnnoticed(string command, params string[] options)
    {
        (int code, string output, _) = await RunAsync(command, options);
        Assert.Equal(ExitCodes.Ok, code);
        Assert.DoesNotContain("FramesLost", output, StringComparison.Ordinal);
    }

    /// <summary>A setting of virtual machines is named where there are none; one process in a guest is enough for it.</summary>
    [Theory]
    [InlineData("off", true)]
    [InlineData("on", false)]
    public async Task Run_SettingOfGuests_IsNamedIfThereAreNone(string isVirtual, bool named)
    {
        string[] options = ["--set", "machine.guest.exit-cycles=7", "--set", $"processes.0.virtual={isVirtual}"];
        (_, _, string error) = await RunAsync("run", options);
        Assert.Equal(named, error.Contains("machine.guest.exit-cycles: no process runs in a virtual machine", StringComparison.Ordinal));
    }

    private static Task<(int Code, string Output, string Error)> RunAsync(string command, string[] options) => CommandRunner.RunAsync(
    [
        command, CommandRunner.At("config/scenarios/quickstart.conf"), "--threads", "1", "--set", "until=100us",
        "--set", $"memory.anonymous=\"{typeof(ForgetfulBackend).AssemblyQualifiedName}\"", .. options,
    ]);
}
