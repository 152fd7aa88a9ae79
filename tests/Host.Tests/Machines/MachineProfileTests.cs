using VmSim.Actors.Configuration;
using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Mmu;
using VmSim.Core.Paging;

namespace VmSim.Host.Tests.Machines;

/// <summary>Every machine profile that ships can be used, and says where its numbers come from.</summary>
public class MachineProfileTests
{
    public static TheoryData<string> Names => [.. ProfileCatalog.Machines.Select(machine => machine.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Load_AnyProfile_MakesAMachine(string name)
    {
        MachineSpec machine = Load(name);
        using CoreMmu mmu = new(machine.Mmu, 1);
        using PageTable table = new(PageTableFormats.All.Require(machine.PageTable, "format"));
        mmu.Load(new Core.Addresses.Asid(1), table);

        Assert.Equal(name, machine.Name);
        Assert.Equal(0, machine.Cores % machine.Sockets);
        Assert.True(machine.IpiRemoteCycles >= machine.IpiCycles && machine.LineTransferRemoteCycles >= machine.LineTransferCycles);
        Assert.InRange(mmu.NativeBytes, 1, 96 << 10);
        Assert.Equal(TranslationOutcome.NotPresentFault, mmu.Translate(AccessKind.Load, 0x1000, user: true, 0).Outcome);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Comments_AnyProfile_NameASourceForEveryBlock(string name)
    {
        string[] lines = File.ReadAllLines(ConfigFiles.Find($"machines/{name}.conf"));
        int body = Array.IndexOf(lines, "machine {");
        string[] sources = [.. lines.Take(body).SelectMany(Brackets)];

        Assert.Contains(lines.Take(body), line => line.StartsWith("kernel-profile = linux-", StringComparison.Ordinal));
        Assert.All(lines.Skip(body).SelectMany(Brackets), source => Assert.Contains(source, sources));
        Assert.All(lines.Skip(body).Where(line => line.TrimStart().StartsWith('#')), line =>
            Assert.True(
                Brackets(line).Any() || line.Contains("calibrated", StringComparison.Ordinal)
                    || line.Contains("measured on", StringComparison.Ordinal),
                line));
    }

    [Theory]
    [InlineData("u74", "0x1000000000")]
    [InlineData("la464-3a5000", "0x7f0000000000")]
    [InlineData("sapphire-rapids", "0x7f0000000000")]
    [InlineData("neoverse-v2", "0x7f0000000000")]
    public async Task Run_TraceOnOtherArchitectures_Completes(string name, string address)
    {
        string folder = Directory.CreateTempSubdirectory("vmsim-machine-").FullName;
        try
        {
            string page = address[2..^3];
            string trace = Path.Combine(folder, "t.vmt");
            await File.WriteAllTextAsync(
                trace, $"# vmt 1 t pagesize 4096\nt 0\nm {address[2..]} 4000 3 22 - 0\nW {page} 5\nR {page} 7\nu {address[2..]} 4000\n");
            using StringWriter output = new();
            using StringWriter error = new();
            string conf = Path.Combine(folder, "s.conf");
            await File.WriteAllTextAsync(conf, $"machine-profile = {name}\nprocesses = [{{ trace = t.vmt }}]\n");
            int code = await CommandLineApp.RunAsync(
                ["run", conf, "--set", "machine.cores=4", "--set", "machine.sockets=1", "--check"], output, error);

            Assert.True(code == 0, error.ToString());
            Assert.Contains("minor faults", output.ToString(), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static MachineSpec Load(string name) => ScenarioLoader.Parse(
        $"machine-profile = {name}\nprocesses = [{{ program = pattern }}]", "test", ".", []).Machine;

    private static IEnumerable<string> Brackets(string line) =>
        line.Split('[').Skip(1).Where(part => part.Contains(']', StringComparison.Ordinal))
            .Select(part => part[..part.IndexOf(']', StringComparison.Ordinal)]);
}
