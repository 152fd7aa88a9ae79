using System.Diagnostics;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.Running;

public sealed class InterruptTests
{
    /// <summary>Ctrl-C stops at a window's end and still writes the report. The signal is set to its default first: what runs in the background of a script ignores it.</summary>
    [Fact]
    public async Task Run_Interrupted_StillReports()
    {
        string program = typeof(CommandLineApp).Assembly.Location;
        string scenario = CommandRunner.At("config/scenarios/throughput-64.conf");
        using Process shell = Process.Start(new ProcessStartInfo("bash", ["-c", $"env --default-signal=INT dotnet '{program}' run '{scenario}' & sleep 4; kill -INT $!; wait $!"])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        string output = await shell.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(60));
        await shell.WaitForExitAsync();
        Assert.Contains("stopped", output, StringComparison.Ordinal);
        Assert.Contains("accesses/s", output, StringComparison.Ordinal);
    }
}
