using CsCheck;
using VmSim.Actors.Configuration;
using VmSim.Core.Machine;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;

namespace VmSim.Actors.Tests.Configuration;

public sealed class ConfigurationTests
{
    private const string Process = "\nprocesses = [\n {\n program = pattern\n }\n]";

    [Theory]
    [InlineData("kernel.trap-entry-cycles = 250 cycles", 250)]
    [InlineData("kernel.trap-entry-cycles = 250", 250)]
    [InlineData("kernel.trap-entry-cycles = 1 us\nmachine.ghz = 3 GHz", 3_000)]
    [InlineData("kernel.trap-entry-cycles = 10ns\nmachine.ghz = 2000 MHz", 20)]
    public void Parse_Cycles_TakeUnitsAndTimes(string text, long expected) => Assert.Equal(expected, Parse(text).Kernel.TrapEntryCycles);

    /// <summary>What refers to a key gets the value that an option gives it, through other references too.</summary>
    [Theory]
    [InlineData("until = ${warmup}\nwarmup = 5", "warmup=7", 7, 7)]
    [InlineData("until = ${warmup}\nwarmup = ${seed}\nseed = 3", "seed=9", 9, 9)]
    [InlineData("until = ${warmup}\nwarmup = 5", "until=8", 5, 8)]
    public void Set_OfAKeyThatOthersReferTo_ReachesThem(string text, string set, long warmup, long until)
    {
        SettingsTree tree = SettingOptions.Apply(SettingsTree.Parse(text, "test"), [set]);
        Assert.Equal(($"{warmup}", $"{until}"), (tree.Value("warmup"), tree.Value("until")));
    }

    /// <summary>An option of a key in a block that is a reference changes this block alone, and leaves its other keys.</summary>
    [Fact]
    public void Set_OfAKeyInAReference_ChangesThatBlock()
    {
        SettingsTree tree = SettingsTree.Parse("machine = ${base}\nbase { cores = 6, sockets = 2 }", "test");
        tree = SettingOptions.Apply(tree, ["machine.cores=3"]);
        Assert.Equal(("3", "2"), (tree.Block("machine").Value("cores"), tree.Block("machine").Value("sockets")));
        Assert.Equal("6", tree.Block("base").Value("cores"));
    }

    /// <summary>A process of a scenario with references is found by its name as ever.</summary>
    [Fact]
    public void Set_OfAProcess_FindsItBesideReferences()
    {
        SettingsTree tree = SettingsTree.Parse("n = 4\nprocesses = [{ name = a, threads = ${n} }, { name = b, threads = ${n} }]", "test");
        tree = SettingOptions.Apply(tree, ["processes.b.threads=2", "n=3"]);
        Assert.Equal(["3", "2"], tree.Keys!["processes"].Items!.Select(item => item.Value("threads")));
    }

    [Theory]
    [InlineData("64 KiB", 65_536)]
    [InlineData("8kB", 8_000)]
    [InlineData("4096", 4_096)]
    [InlineData("0.5 MiB", 524_288)]
    public void Parse_Bytes_TakeUnits(string value, ulong expected) =>
        Assert.Equal(expected, Parse($"memory.stack-limit = {value}").Memory.StackLimit);

    [Theory]
    [InlineData("memory.fault-around = 5000", "memory.fault-around: 5000 B found; a power of two from 4 KiB to 2 MiB is allowed")]
    [InlineData("memory.folio = 5000", "memory.folio: 5000 B found; a power of two from 4 KiB to 1 MiB is allowed")]
    [InlineData("memory.folios = git", "memory.folios: \"git\" found; allowed: PATTERN=SIZE")]
    public void Parse_WhatIsNoWindowOrFolio_SaysWhatIsAllowed(string text, string message) =>
        Assert.StartsWith(message, Assert.Throws<ScenarioException>(() => Parse(text)).Message, StringComparison.Ordinal);

    /// <summary>One beyond a limit that a double cannot tell from it.</summary>
    [Theory]
    [InlineData("seed = 9200000000000000001", "0 to 9,200,000,000,000,000,000")]
    [InlineData("until = 9000000000000000001", "0 to 9,000,000,000,000,000,000 cycles")]
    public void Parse_BeyondALimitByOne_IsRefused(string text, string allowed) =>
        Assert.Contains($"allowed: {allowed}", Assert.Throws<ScenarioException>(() => Parse(text)).Message, StringComparison.Ordinal);

    /// <summary>A limit of more than 15 digits holds to the last of them.</summary>
    [Theory]
    [InlineData("1125899906842624", true)]
    [InlineData("1125899906842625", false)]
    [InlineData("-1125899906842624", true)]
    [InlineData("-1125899906842625", false)]
    public void TryParse_ALongLimit_HoldsToItsLastDigit(string text, bool isAllowed)
    {
        SettingAttribute limit = new("x") { Min = -(1L << 50), Max = 1L << 50 };
        Assert.Equal(isAllowed, SettingValues.TryParse(text, typeof(long), limit, 1, out object? value));
        Assert.Equal(isAllowed ? text : null, value?.ToString());
    }

    [Fact]
    public void Parse_Profile_IsUnderTheScenarioAndTheScenarioUnderSet()
    {
        Assert.Equal(64, Parse("machine-profile = server-2s").Machine.Cores);
        Assert.Equal(12, Parse("machine-profile = server-2s\nmachine.cores = 12").Machine.Cores);
        Assert.Equal(7, Parse("machine-profile = server-2s\nmachine.cores = 12", "machine.cores=7").Machine.Cores);
        Assert.Equal(2, Parse("machine-profile = server-2s\nmachine.cores = 12").Machine.Sockets);
    }

    [Fact]
    public void Parse_BlocksAndDots_MeanTheSame() => Assert.Equal(
        Parse("machine.mmu.second.entries = 768").Machine.Mmu.Second,
        Parse("machine {\n mmu {\n second {\n entries = 768\n }\n }\n}").Machine.Mmu.Second);

    [Fact]
    public void Parse_UnknownKey_NamesOriginKeyAndNearest()
    {
        ScenarioException error = Assert.Throws<ScenarioException>(() => Parse("kernel.trapp-entry-cycles = 5"));
        Assert.StartsWith("here, line 1: kernel.trapp-entry-cycles:", error.Message, StringComparison.Ordinal);
        Assert.Contains("did you mean trap-entry-cycles?", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("on", true)]
    [InlineData("off", false)]
    public void Parse_VirtualOfAProcess_IsKeptAndWritten(string value, bool expected)
    {
        ScenarioSpec scenario = Parse("", $"processes.0.virtual={value}");
        using StringWriter text = new();
        EffectiveConfiguration.Write(scenario, text);
        Assert.Equal(expected, Assert.Single(scenario.Processes).Virtual);
        Assert.Equal(expected, Assert.Single(ScenarioLoader.Parse(text.ToString(), "again", ".", []).Processes).Virtual);
        Assert.Null(Assert.Single(Parse("machine.virtual = on").Processes).Virtual);
    }

    [Fact]
    public void Parse_VirtualThatIsNoSwitch_SaysWhatIsAllowed() => Assert.Contains(
        "processes[0].virtual:",
        Assert.Throws<ScenarioException>(() => Parse("", "processes.0.virtual=guest")).Message,
        StringComparison.Ordinal);

    [Fact]
    public void EffectiveConfiguration_AnySettings_ReadBackEqual()
    {
        Gen<(int Cores, int Ipi, long Trap, bool Zero, string Placement, ulong Around)> settings = Gen.Select(
            Gen.Int[2, 4_096], Gen.Int[1, 100_000], Gen.Long[1, 1_000_000_000_000], Gen.Bool, Gen.Int[0, 2]
                .Select(i => new[] { "packed", "spread", "single" }[i]), Gen.Int[0, 9].Select(i => 4096UL << i));
        settings.Sample(
            s =>
            {
                ScenarioSpec spec = Parse("name = \"a \\\"b\\\" c\"") with
                {
                    Machine = new MachineSpec { Cores = s.Cores, IpiCycles = s.Ipi, Ghz = s.Ipi / 1000.0 },
                    Kernel = new KernelProfile { TrapEntryCycles = s.Trap },
                    Threads = new ThreadsSpec { Placement = s.Placement },
                };
                spec = spec with { Memory = spec.Memory with { ZeroPage = s.Zero, FaultAround = s.Around } };
                using StringWriter text = new();
                EffectiveConfiguration.Write(spec, text);
                ScenarioSpec back = ScenarioLoader.Parse(text.ToString(), "effective.conf", ".", []);
                Assert.Equal(spec with { Processes = [] }, back with { Processes = [] });
                Assert.Equal(spec.Processes[0].Settings, back.Processes[0].Settings);
            },
            iter: 200);
    }

    [Fact]
    public void ProfileCatalog_EveryProfile_HasASummaryAndLoads()
    {
        Assert.NotEmpty(ProfileCatalog.Kernels);
        foreach ((string name, string summary) in ProfileCatalog.Machines)
        {
            Assert.True(summary.Length > 10, $"{name} has no summary in its first line");
            Assert.Equal(name, Parse($"machine-profile = {name}").Machine.Name);
        }

        foreach ((string name, string summary) in ProfileCatalog.Kernels)
        {
            Assert.True(summary.Length > 10, $"{name} has no summary in its first line");
            Assert.Equal(name, Parse($"kernel-profile = {name}").Kernel.Name);
        }
    }

    [Theory]
    [InlineData("", "server-2s", "linux-6.18")]
    [InlineData("machine-profile = haswell-2s", "haswell-2s", "linux-4.10")]
    [InlineData("machine-profile = sapphire-rapids-kvm", "sapphire-rapids-kvm", "linux-6.18-kvm")]
    [InlineData("machine-profile = zen3\nkernel-profile = linux-6.18-kvm", "zen3", "linux-6.18-kvm")]
    public void Parse_MachineProfile_BringsItsKernel(string text, string machine, string kernel)
    {
        ScenarioSpec scenario = Parse(text);
        Assert.Equal((machine, kernel), (scenario.Machine.Name, scenario.Kernel.Name));
    }

    /// <summary>What a hypervisor makes dear is in no profile of bare metal.</summary>
    [Fact]
    public void KernelProfiles_OnBareMetal_HaveNoCostsOfAGuest()
    {
        KernelProfile guest = Parse("kernel-profile = linux-6.18-kvm").Kernel;
        string[] names = [.. ProfileCatalog.Kernels.Names.Where(name => !name.EndsWith("-kvm", StringComparison.Ordinal))];
        Assert.NotEmpty(names);
        Assert.All(names, name =>
        {
            KernelProfile kernel = Parse($"kernel-profile = {name}").Kernel;
            Assert.False(kernel.ParavirtualFlush);
            Assert.InRange(kernel.HandlerCycles, 1, guest.HandlerCycles / 4);
            Assert.InRange(kernel.IpiSendCycles, 1, guest.IpiSendCycles / 4);
        });
    }

    private static ScenarioSpec Parse(string text, params string[] sets) => ScenarioLoader.Parse(text + Process, "here", ".", sets);
}
