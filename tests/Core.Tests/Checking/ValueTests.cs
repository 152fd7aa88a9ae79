using VmSim.Core.Addresses;
using VmSim.Core.Checking;
using VmSim.Core.Engine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Testing;
using Xunit.Abstractions;

namespace VmSim.Core.Tests.Checking;

/// <summary>What pages hold: bugs that leave every translation in order, and that only the comparison of values finds.</summary>
public sealed class ValueTests(ITestOutputHelper output)
{
    /// <summary>The most events that a violation may show.</summary>
    private const int LinesMax = 8;

    public static TheoryData<Type, string> Bugs => new()
    {
        { typeof(CopiesNothingBackend), "holds zeros, and its program put version" },
        { typeof(SharesStoresBackend), "and its parent has version" },
        { typeof(ForgetsForkedPagesBackend), "holds nothing, and its parent has version" },
        { typeof(ForgetsProtectedPagesBackend), "which nobody has taken away" },
        { typeof(ForgetsMovedPagesBackend), "holds zeros, and its program put version" },
        { typeof(DropsMovedPagesBackend), "was moved there" },
        { typeof(KeepsPagesMappedOverBackend), "and its program put zeros there" },
    };

    [Theory]
    [MemberData(nameof(Bugs))]
    public void Values_WrongBackend_IsFoundByThemAlone(Type backend, string problem)
    {
        ArgumentNullException.ThrowIfNull(backend);
        Assert.Empty(Run(Everything(), "broadcast", backend, "on"));
        IReadOnlyList<Violation> found = Run(Everything(), "broadcast", backend, "values");
        Assert.NotEmpty(found);
        output.WriteLine(string.Join('\n', found[0].Lines()));
        Assert.All(found, violation => Assert.Equal(CheckRule.WrongValue, violation.Rule));
        Assert.Contains(problem, found[0].Message, StringComparison.Ordinal);
        Assert.InRange(found[0].Trace.Count, 1, LinesMax);
    }

    [Theory]
    [InlineData("broadcast")]
    [InlineData("linux")]
    [InlineData("latr")]
    [InlineData("freebsd")]
    public void Values_RightBackend_BreaksNothing(string protocol) => Assert.Empty(Run(Everything(), protocol, null, "values"));

    /// <summary>
    /// A lazy protocol may be late with a page that was given back. Not so late that a core finds what was there when another has new
    /// memory in its place: madvise promised zeros, and a store has come since.
    /// </summary>
    [Fact]
    public void Values_PageTouchedAnewUnderALazyProtocol_MayNotShowWhatWasThere()
    {
        Assert.Empty(Run(TouchedAnew(), "latr", null, "on"));
        Assert.Empty(Run(TouchedAnew(), "linux", null, "values"));
        Violation first = Run(TouchedAnew(), "latr", null, "values")[0];
        output.WriteLine(string.Join('\n', first.Lines()));
        Assert.Equal(CheckRule.WrongValue, first.Rule);
        Assert.Contains("which madvise(", first.Message, StringComparison.Ordinal);
        Assert.Contains("store fault at", first.Message, StringComparison.Ordinal);
        Assert.InRange(first.Trace.Count, 1, LinesMax);
    }

    /// <summary>
    /// mmap of a device over pages that a program has stored to takes those stores away: neither mremap nor fork has them to bring along.
    /// </summary>
    [Theory]
    [InlineData(MappingSource.Device, true)]
    [InlineData(MappingSource.Device, false)]
    [InlineData(MappingSource.Linear, true)]
    [InlineData(MappingSource.Linear, false)]
    public void Values_MemoryOfNoPoolMappedOverStores_HoldsNoneOfThem(MappingSource source, bool moves) =>
        Assert.Empty(Run(MappedOverStores(source, moves), "broadcast", null, "values"));

    private static IReadOnlyList<Violation> Run(ScenarioSpec scenario, string protocol, Type? backend, string check)
    {
        IShootdownProtocol? tested = ShootdownProtocols.All.Find(protocol);
        MemorySpec memory = backend is null ? new MemorySpec() : new MemorySpec { Anonymous = backend.AssemblyQualifiedName! };
        using World world = new(
            TestWorlds.UpToItsLastThread(scenario with { Check = check, Memory = memory }, tested), protocol: tested);
        bool finished = new SequentialEngine(world).Run();
        RunReport report = ReportBuilder.Build(world, finished);
        if (world.Checker!.Violations.Count == 0)
        {
            Assert.True(report.Outcome == RunOutcomes.Until, string.Join('\n', report.Findings));
        }

        return world.Checker.Violations;
    }

    /// <summary>
    /// Every call that changes what pages hold, or must not: fork and copy-on-write, mprotect, mremap, a mapping over another.
    /// </summary>
    private static ScenarioSpec Everything()
    {
        ThreadBuilder thread = new("parent");
        thread.Touch(TestWorlds.Page(0), 4)
            .Control(ControlKind.Fork, 0).Compute(100_000).Touch(TestWorlds.Page(0), 4)
            .Touch(TestWorlds.Page(8), 4).Protect(TestWorlds.Page(8), 4, Protection.Read).Load(TestWorlds.Page(8)).Compute(10_000)
            .Touch(TestWorlds.Page(16), 4).Call(new SystemCall
            {
                Kind = SystemCallKind.Remap,
                RemapFlags = RemapFlags.MayMove | RemapFlags.Fixed,
                Start = new VirtAddr(TestWorlds.Page(16)),
                Length = 4 << 12,
                NewStart = new VirtAddr(TestWorlds.Page(300)),
                NewLength = 6 << 12,
            }).Touch(TestWorlds.Page(300), 6)
            .Touch(TestWorlds.Page(24), 4).Map(TestWorlds.Page(24), 4).Load(TestWorlds.Page(24)).Touch(TestWorlds.Page(24), 4)
            .Touch(TestWorlds.Page(32), 4).Advise(TestWorlds.Page(32), 4, Advice.DontNeed).Load(TestWorlds.Page(32))
            .Touch(TestWorlds.Page(32), 4).Compute(100_000);
        ThreadBuilder child = new("child");
        child.Load(TestWorlds.Page(1)).Touch(TestWorlds.Page(0), 4).Compute(50_000);
        ProgramImage image = TestWorlds.Image(thread.Build());
        ProgramImage forked = TestWorlds.Image(child.Build()) with { Name = "child", InitialMappings = [] };
        return TestWorlds.Scenario(2) with
        {
            Processes = [new ProcessSpec { Name = "p", Program = _ => image with { Children = [forked] } }],
        };
    }

    /// <summary>Memory outside all pools comes where stores were, is moved or forked, and makes way for new memory.</summary>
    private static ScenarioSpec MappedOverStores(MappingSource source, bool moves)
    {
        const int Pages = 3;
        ulong place = TestWorlds.Page(moves ? 300 : 0);
        ThreadBuilder thread = new("parent");
        thread.Touch(TestWorlds.Page(0), Pages).Call(new SystemCall
        {
            Kind = SystemCallKind.Map,
            Start = new VirtAddr(TestWorlds.Page(0)),
            Length = Pages << 12,
            Protection = Protection.Read | Protection.Write,
            Source = source,
            Offset = 0xF000_0000,
        });
        _ = moves
            ? thread.Call(new SystemCall
            {
                Kind = SystemCallKind.Remap,
                RemapFlags = RemapFlags.MayMove | RemapFlags.Fixed,
                Start = new VirtAddr(TestWorlds.Page(0)),
                Length = Pages << 12,
                NewStart = new VirtAddr(place),
                NewLength = Pages << 12,
            })
            : thread.Control(ControlKind.Fork, 0).Compute(100_000);
        thread.Touch(place, Pages).Map(place, Pages).Touch(place, Pages).Compute(10_000);
        ThreadBuilder child = new("child");
        child.Load(TestWorlds.Page(1)).Touch(TestWorlds.Page(0), Pages);
        ProgramImage image = TestWorlds.Image(thread.Build());
        ProgramImage forked = TestWorlds.Image(child.Build()) with { Name = "child", InitialMappings = [] };
        return TestWorlds.Scenario(2) with
        {
            Processes = [new ProcessSpec { Name = "p", Program = _ => image with { Children = moves ? [] : [forked] } }],
        };
    }

    /// <summary>A core goes on reading a page that another gives back with madvise, and stores to anew.</summary>
    private static ScenarioSpec TouchedAnew()
    {
        ThreadBuilder giver = new("giver");
        giver.Touch(TestWorlds.Page(0), 1).Compute(300_000).Advise(TestWorlds.Page(0), 1, Advice.DontNeed).Store(TestWorlds.Page(0))
            .Compute(1_000_000);
        ThreadBuilder user = new("user");
        user.Compute(50_000);
        for (int i = 0; i < 400; i++)
        {
            user.Load(TestWorlds.Page(0)).Compute(1_000);
        }

        return TestWorlds.Scenario(2, giver.Build(new CoreId(0)), user.Build(new CoreId(1)));
    }
}
