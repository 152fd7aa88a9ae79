using System.Security.Cryptography;
using System.Text;
using CsCheck;
using VmSim.Core.Addresses;
using VmSim.Core.Checkpoints;
using VmSim.Core.Engine;
using VmSim.Core.Mmu;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Core.VirtualTime;
using VmSim.Testing;
using VmSim.Tests.Shared;

namespace VmSim.Core.Tests.Checkpoints;

public sealed class CheckpointTests
{
    private const int Scenarios = 40;
    private const int Pieces = 6;

    public static TheoryData<string> Protocols => [.. ShootdownProtocols.All.Names];

    [Theory]
    [MemberData(nameof(Protocols))]
    public void Restore_AtTheEndOfAnyWindow_GoesOnToTheSameReport(string protocol) => RunInPieces(protocol, Scenarios, Pieces);

    [Theory]
    [Trait("Category", "Long")]
    [MemberData(nameof(Protocols))]
    public void Restore_AtTheEndsOfManyWindows_GoesOnToTheSameReport(string protocol) => RunInPieces(protocol, 10 * Scenarios, 2 * Pieces);

    private static void RunInPieces(string protocol, int scenarios, int pieces)
    {
        int written = 0;
        Gen.Select(RandomPrograms.Scenario, Gen.Int[1, 60], Gen.Bool).Sample(
            (scenario, windows, check) =>
            {
                ScenarioSpec under = scenario with { Shootdown = new ShootdownSpec { Protocol = protocol, Hypothetical = true } };
                RunReport expected = TestWorlds.Run(under);
                (RunReport report, int checkpoints) = PiecewiseRun.Of(under, windows, pieces, check);
                Interlocked.Add(ref written, checkpoints);
                Assert.Equal(expected.Fingerprint, report.Fingerprint);
                Assert.Equal(check ? expected.Checker : null, report.Checker);
            },
            iter: scenarios);
        Assert.True(written > scenarios, $"{written} checkpoints were written");
    }

    /// <summary>A protocol that uses all of the seam: copies of page tables, words in traps, messages of its own kinds.</summary>
    [Fact]
    public void Restore_UnderAProtocolWithAllFeatures_GoesOnToTheSameReport() => Gen.Select(RandomPrograms.Scenario, Gen.Int[1, 60]).Sample(
        (scenario, windows) =>
        {
            ProbeProtocol protocol = new(ProbeFeatures.All);
            using World world = new(scenario, check: true, protocol);
            string expected = ReportBuilder.Build(world, new SequentialEngine(world).Run()).Fingerprint;
            Assert.Equal(expected, PiecewiseRun.Of(scenario, windows, Pieces, check: true, protocol).Report.Fingerprint);
        },
        iter: Scenarios);

    [Fact]
    public void Restore_Damaged_SaysSo()
    {
        ScenarioSpec scenario = Scenario();
        using World world = Stopped(scenario);
        byte[] data = PiecewiseRun.Saved(world).ToArray();
        Assert.Contains("the data are none", Refusal(scenario, [1, 2, 3, 4, 5, 6]), StringComparison.Ordinal);
        Assert.Contains("the data are none", Refusal(scenario, []), StringComparison.Ordinal);
        for (int length = 4; length < data.Length; length += 1 + (data.Length / 50))
        {
            Assert.Contains("cut short", Refusal(scenario, data[..length]), StringComparison.Ordinal);
        }

        for (int at = 4; at < data.Length; at += 1 + (data.Length / 50))
        {
            byte[] damaged = [.. data];
            damaged[at] ^= 0x10;
            Assert.Contains("damaged", Refusal(scenario, damaged), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Restore_OfAnotherScenario_SaysWhatDiffers()
    {
        ScenarioSpec scenario = Scenario();
        using World world = Stopped(scenario);
        byte[] data = PiecewiseRun.Saved(world).ToArray();
        Assert.Contains(
            "its seed is 1; of the world that it is for, 2", Refusal(scenario with { Seed = 2 }, data), StringComparison.Ordinal);
        Assert.Contains(
            "number of cores is 2",
            Refusal(scenario with { Machine = scenario.Machine with { Cores = 4 } }, data),
            StringComparison.Ordinal);
        Assert.Contains(
            "shootdown protocol is linux", Refusal(
                scenario with { Shootdown = new ShootdownSpec { Protocol = "broadcast" } }, data), StringComparison.Ordinal);
        Assert.Contains("checker is off", Refusal(scenario with { Check = "on" }, data), StringComparison.Ordinal);
        MmuSpec slower = scenario.Machine.Mmu with { AccessedDirtyHandlerCycles = 99 };
        Assert.Contains(
            "machine is AccessedDirtyHandlerCycles = 50",
            Refusal(scenario with { Machine = scenario.Machine with { Mmu = slower } }, data),
            StringComparison.Ordinal);
        Assert.Contains("warmup in cycles is 0", Refusal(scenario with { Warmup = 10 }, data), StringComparison.Ordinal);
        ScenarioSpec other = TestWorlds.Scenario(
            2, TestWorlds.Toucher("a", 0, 40), TestWorlds.Toucher("c", 20, 60)) with
        { Shootdown = scenario.Shootdown };
        Assert.Contains("list of threads is b with", Refusal(other, data), StringComparison.Ordinal);
        ProcessSpec set = scenario.Processes[0] with { Settings = [new("pages", "7")] };
        Assert.Contains(
            "of the world that it is for, pages = 7", Refusal(scenario with { Processes = [set] }, data), StringComparison.Ordinal);
    }

    /// <summary>A run that has come to its end of virtual time goes on in a world with a later one.</summary>
    [Fact]
    public void Restore_WithALaterEnd_IsTheLongerRun() =>
        Gen.Select(RandomPrograms.Scenario, Gen.Long[1, 100_000], Gen.Long[1, 100_000]).Sample(
        (scenario, until, more) =>
        {
            ScenarioSpec longer = scenario with { Until = until + more };
            using World first = new(scenario with { Until = until }, check: true);
            new SequentialEngine(first).Run();
            using World second = new(longer, check: true);
            Checkpoint.Restore(second, PiecewiseRun.Saved(first));
            bool finished = new SequentialEngine(second).Run();
            Assert.Equal(TestWorlds.Run(longer).Fingerprint, ReportBuilder.Build(second, finished).Fingerprint);
        },
        iter: Scenarios);

    /// <summary>State is saved as its class lies in one build.</summary>
    [Fact]
    public void Restore_OfAnotherBuildOfAPlugIn_SaysSo()
    {
        using World world = new(Scenario(), check: false, new ProbeProtocol(ProbeFeatures.None));
        byte[] data = PiecewiseRun.Saved(world).ToArray();
        byte[] build = Encoding.UTF8.GetBytes(typeof(ProbeProtocol).Module.ModuleVersionId.ToString());

        // The first stands for the protocol, the last for a class of it.
        byte[] forged = [.. data];
        forged[forged.AsSpan().LastIndexOf(build)] ^= 1;
        SHA256.HashData(forged.AsSpan(0, forged.Length - SHA256.HashSizeInBytes), forged.AsSpan(forged.Length - SHA256.HashSizeInBytes));
        using World other = new(Scenario(), check: false, new ProbeProtocol(ProbeFeatures.None));
        using MemoryStream stream = new(forged);
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => Checkpoint.Restore(other, stream));
        Assert.Contains("another build of VmSim.Tests.Shared.Probe", error.Message, StringComparison.Ordinal);
    }

    /// <summary>Operations are read again, by code that need not be part of Core.</summary>
    [Fact]
    public void Restore_OfAnotherBuildOfAProgram_SaysSo()
    {
        ThreadProgram real = TestWorlds.Toucher("t", 0, 4);
        ThreadProgram program = new() { Name = "t", SystemCalls = real.SystemCalls, Open = () => real.Open() };
        using World world = new(TestWorlds.Scenario(1, program));
        byte[] forged = PiecewiseRun.Saved(world).ToArray();
        byte[] build = Encoding.UTF8.GetBytes(typeof(CheckpointTests).Module.ModuleVersionId.ToString());
        forged[forged.AsSpan().IndexOf(build)] ^= 1;
        SHA256.HashData(forged.AsSpan(0, forged.Length - SHA256.HashSizeInBytes), forged.AsSpan(forged.Length - SHA256.HashSizeInBytes));
        using World other = new(TestWorlds.Scenario(1, program));
        using MemoryStream stream = new(forged);
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => Checkpoint.Restore(other, stream));
        Assert.Contains("its build of the programs is", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Save_OfAProtocolThatKeepsADelegate_NamesTheField()
    {
        using World world = new(Scenario(), check: false, new KeepsADelegate());
        NotSupportedException error = Assert.Throws<NotSupportedException>(() => PiecewiseRun.Saved(world));
        Assert.Contains("KeepsADelegate+SpaceHalf._whenAcknowledged", error.Message, StringComparison.Ordinal);
        Assert.Contains("System.Action", error.Message, StringComparison.Ordinal);
    }

    /// <summary>A protocol with a state that no checkpoint can hold.</summary>
    private sealed class KeepsADelegate : IShootdownProtocol
    {
        private readonly BroadcastProtocol _real = new();

        public string Name => "keeps-a-delegate";

        public string Summary => "for a test";

        public SpaceShootdown CreateSpaceHalf(ISpaceShootdownContext context) => new SpaceHalf(context);

        public CoreShootdown CreateCoreHalf(ICoreShootdownContext context) => _real.CreateCoreHalf(context);

        private sealed class SpaceHalf(ISpaceShootdownContext context) : SpaceShootdown
        {
            private readonly Action<ShootdownRequest> _whenAcknowledged = context.Finish;

            public override void Begin(ShootdownRequest shootdown) => _whenAcknowledged(shootdown);

            public override void OnAck(ShootdownRequest shootdown, CoreId core) => throw new NotSupportedException();

            public override LoadAnswer OnLoad(CoreId core) => default;
        }
    }

    private static ScenarioSpec Scenario() => TestWorlds.Scenario(2, TestWorlds.Toucher("a", 0, 40), TestWorlds.Toucher("b", 20, 60)) with
    {
        Shootdown = new ShootdownSpec { Protocol = "linux" },
    };

    private static World Stopped(ScenarioSpec scenario)
    {
        World world = new(scenario);
        Assert.False(new SequentialEngine(world).Run(windows: 20));
        return world;
    }

    private static string Refusal(ScenarioSpec scenario, byte[] data)
    {
        using World world = new(scenario);
        using MemoryStream stream = new(data);
        return Assert.Throws<InvalidDataException>(() => Checkpoint.Restore(world, stream)).Message;
    }
}
