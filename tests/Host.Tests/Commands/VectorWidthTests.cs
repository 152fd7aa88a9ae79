using System.Diagnostics;
using VmSim.Testing;

namespace VmSim.Host.Tests.Commands;

public sealed class VectorWidthTests : IDisposable
{
    // sets of 4, 12, 16 and 48 ways, so that every width of compare is used where the host has it
    private const string Table = "stream,n,pages,l1_4k_entries,l1_4k_ways,l1_policy,l2_entries,l2_ways,l2_policy,huge_pct,invlpg_every\n"
        + "zipf,60000,20000,64,4,lru,1536,12,lru,30,500\n"
        + "hotcold,60000,20000,48,48,lru,2048,16,fifo,0,0\n"
        + "phases,60000,20000,64,8,plru,2048,16,plru,50,100\n"
        + "uniform,60000,3000,40,5,random,1152,9,random,0,0\n";

    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-vector-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("DOTNET_EnableAVX512", "DOTNET_EnableAVX512F")]
    [InlineData("DOTNET_EnableAVX2", "DOTNET_EnableAVX")]
    [InlineData("DOTNET_EnableHWIntrinsic", "DOTNET_EnableAVX2")]
    public async Task Tlb_NarrowerVectors_GivesTheSameResults(params string[] switchedOff)
    {
        string file = Path.Combine(_folder, "c.csv");
        await File.WriteAllTextAsync(file, Table);
        using StringWriter here = new();
        using StringWriter error = new();
        int code = await CommandLineApp.RunAsync(["tlb", file], here, error);

        ProcessStartInfo start = new("dotnet") { RedirectStandardOutput = true, UseShellExecute = false };
        start.ArgumentList.Add(typeof(CommandLineApp).Assembly.Location);
        start.ArgumentList.Add("tlb");
        start.ArgumentList.Add(file);
        foreach (string name in switchedOff)
        {
            start.Environment[name] = "0";
        }

        using Process process = Process.Start(start)!;
        string there = await process.StandardOutput.ReadToEndAsync().OrHangAsync();
        await process.WaitForExitAsync().OrHangAsync();

        Assert.Equal((0, 0), (code, process.ExitCode));
        Assert.Equal(here.ToString(), there);
        Assert.Equal(5, there.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }
}
