using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Machine;
using VmSim.Core.Paging;
using VmSim.Core.Shootdown;

namespace VmSim.Core.Tests.Shootdown;

/// <summary>What the space half of a protocol does.</summary>
public enum SpaceEvent
{
    /// <summary>A shootdown begins.</summary>
    Begins,

    /// <summary>A core is interrupted, or told without an interrupt and waited for.</summary>
    Interrupts,

    /// <summary>A core has acknowledged.</summary>
    Acknowledged,

    /// <summary>A core is sent a message of the protocol's own, or told and not waited for.</summary>
    Tells,

    /// <summary>The operation may return and its memory be reused.</summary>
    Finishes,

    /// <summary>The operation may return.</summary>
    Defers,

    /// <summary>The memory of an operation that has returned may be reused.</summary>
    Releases,
}

/// <summary>One thing that the space half of a protocol did; the core is -1 and the shootdown 0 where there is none.</summary>
public sealed record SpaceStep(SpaceEvent Kind, int Space, long Shootdown, int Core, long Time, bool TablesFreed = false);

/// <summary>A protocol that notes what another one does in its spaces.</summary>
internal sealed class RecordingProtocol(IShootdownProtocol real) : IShootdownProtocol
{
    public List<SpaceStep> Steps { get; } = [];

    public string Name => real.Name;

    public string Summary => real.Summary;

    public long AllowedStaleness(MachineSpec machine, KernelProfile kernel) => real.AllowedStaleness(machine, kernel);

    public CoreEvents Watches => real.Watches;

    public bool FillsTablesOnDemand => real.FillsTablesOnDemand;

    public int Tables(MachineSpec machine) => real.Tables(machine);

    public IReadOnlyList<ProtocolMessage> Messages(MachineSpec machine, KernelProfile kernel) => real.Messages(machine, kernel);

    public SpaceShootdown CreateSpaceHalf(ISpaceShootdownContext context)
    {
        RecordingContext recording = new(context, Steps);
        return new RecordingSpace(real.CreateSpaceHalf(recording), recording);
    }

    public CoreShootdown CreateCoreHalf(ICoreShootdownContext context) => real.CreateCoreHalf(context);

    public int Count(SpaceEvent kind) => Steps.Count(step => step.Kind == kind);

    private sealed class RecordingContext(ISpaceShootdownContext real, List<SpaceStep> steps) : ISpaceShootdownContext
    {
        public SpaceId Space => real.Space;

        public MachineSpec Machine => real.Machine;

        public KernelProfile Kernel => real.Kernel;

        public Delays Delays => real.Delays;

        public int SpaceCount => real.SpaceCount;

        public long Now => real.Now;

        public void SendInvalidation(ShootdownRequest shootdown, CoreId core, VirtAddr start, ulong pages, PageSize size)
        {
            Note(SpaceEvent.Interrupts, shootdown, core.Value);
            real.SendInvalidation(shootdown, core, start, pages, size);
        }

        public void Tell(ShootdownRequest shootdown, CoreId core, int kind, long delay, VirtAddr start, ulong pages, PageSize size, bool awaited)
        {
            Note(awaited ? SpaceEvent.Interrupts : SpaceEvent.Tells, shootdown, core.Value);
            real.Tell(shootdown, core, kind, delay, start, pages, size, awaited);
        }

        public bool FillTable(int table, VirtAddr address) => real.FillTable(table, address);

        public void InvalidateLocally(ShootdownRequest shootdown, VirtAddr start, ulong pages, PageSize size) =>
            real.InvalidateLocally(shootdown, start, pages, size);

        public void Finish(ShootdownRequest shootdown)
        {
            Note(SpaceEvent.Finishes, shootdown);
            real.Finish(shootdown);
        }

        public void FinishDeferringRelease(ShootdownRequest shootdown)
        {
            Note(SpaceEvent.Defers, shootdown);
            real.FinishDeferringRelease(shootdown);
        }

        public void ReleaseDeferred(ShootdownRequest shootdown)
        {
            Note(SpaceEvent.Releases, shootdown);
            real.ReleaseDeferred(shootdown);
        }

        public void SetTimer(long at, long argument) => real.SetTimer(at, argument);

        public void SendProtocol(CoreId core, int kind, long delay, long a, long b, long c, long d)
        {
            steps.Add(new SpaceStep(SpaceEvent.Tells, Space.Value, 0, core.Value, Now));
            real.SendProtocol(core, kind, delay, a, b, c, d);
        }

        public void Note(SpaceEvent kind, ShootdownRequest shootdown, int core = -1) =>
            steps.Add(new SpaceStep(kind, Space.Value, shootdown.Id, core, Now, shootdown.TablesFreed));
    }

    private sealed class RecordingSpace(SpaceShootdown real, RecordingContext context) : SpaceShootdown
    {
        public override void Begin(ShootdownRequest shootdown)
        {
            context.Note(SpaceEvent.Begins, shootdown);
            real.Begin(shootdown);
        }

        public override void OnAck(ShootdownRequest shootdown, CoreId core)
        {
            context.Note(SpaceEvent.Acknowledged, shootdown, core.Value);
            real.OnAck(shootdown, core);
        }

        public override bool FlushesBeforeMapping(VirtAddr start, VirtAddr end) => real.FlushesBeforeMapping(start, end);

        public override LoadAnswer OnLoad(CoreId core) => real.OnLoad(core);

        public override void OnLeave(CoreId core) => real.OnLeave(core);

        public override void OnLazy(CoreId core) => real.OnLazy(core);

        public override void OnTimer(long argument) => real.OnTimer(argument);

        public override void OnProtocol(CoreId core, in SimMessage message) => real.OnProtocol(core, message);

        public override long OnFault(CoreId core, VirtAddr page, AccessKind access, long word) => real.OnFault(core, page, access, word);

        public override void OnAccessed(CoreId core, VirtAddr address, PageFlags bits) => real.OnAccessed(core, address, bits);

        public override void OnTrapWord(CoreId core, long word) => real.OnTrapWord(core, word);

        public override long ReturnWord(CoreId core) => real.ReturnWord(core);

        public override long OnCopied(long entries) => real.OnCopied(entries);
    }
}

/// <summary>A run of a small world under a recorded protocol, with the checker on.</summary>
internal sealed record RecordedRun(RecordingProtocol Protocol, Core.Reports.RunReport Report, long LongestStaleness, long AllowedStaleness, long FramesInUse)
{
    public static RecordedRun Of(string protocol, Core.Scenarios.ScenarioSpec scenario, long window = 0)
    {
        RecordingProtocol recording = new(ShootdownProtocols.ByName(protocol)!);
        using World world = new(scenario, check: true, recording);
        bool finished = new SequentialEngine(world, window).Run();
        Core.Reports.RunReport report = Core.Reports.ReportBuilder.Build(world, finished);
        Assert.True(report.Outcome != Core.Reports.RunOutcomes.Violation, string.Join('\n', report.Findings));
        return new RecordedRun(recording, report, world.Checker!.LongestStaleness, world.Checker.AllowedStaleness, world.Groups.Sum(group => group.Frames.Allocated));
    }
}
