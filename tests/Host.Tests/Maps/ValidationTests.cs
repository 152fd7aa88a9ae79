using System.Diagnostics;
using VmSim.Host.Tests.CommandLine;
using VmSim.Testing;
using Xunit.Abstractions;

namespace VmSim.Host.Tests.Maps;

/// <summary>Programs of this machine against what the kernel says of them: the table of docs/validation.md.</summary>
public sealed class ValidationTests(ITestOutputHelper output)
{
    private const string Row = "program ";
    private static readonly string Script = CommandRunner.At("tests/Programs/validate");

    public static TheoryData<string> Programs =>
        [.. File.ReadLines(Script).Where(line => line.StartsWith(Row, StringComparison.Ordinal)).Select(line => line.Split(' ')[1])];

    [Theory]
    [MemberData(nameof(Programs))]
    public void Page_OfValidation_HasARowForTheProgram(string name) =>
        Assert.Contains($"\n| {name} | ", File.ReadAllText(CommandRunner.At("docs/validation.md")));

    /// <summary>
    /// Captures the program twice and compares. One that is not installed passes: its row, in the test's output, says how to get it.
    /// </summary>
    [Theory]
    [MemberData(nameof(Programs))]
    [Trait("Category", "Long")]
    public async Task Validate_ProgramOfThisMachine_HasTheKernelsAreas(string name)
    {
        using Process process = Process.Start(new ProcessStartInfo(Script, [typeof(CommandLineApp).Assembly.Location, name])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> table = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().OrHangAsync();
        string said = await table.OrHangAsync() + await error.OrHangAsync();
        output.WriteLine(said);
        Assert.True(process.ExitCode == 0, said);
        Assert.Contains($"| {name} | ", said);
    }
}
