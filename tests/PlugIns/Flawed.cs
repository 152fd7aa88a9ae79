using VmSim.Core.Addresses;
using VmSim.Core.Memory;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Programs;
using VmSim.Core.Shootdown;
using VmSim.Core.Traces;
using VmSim.Core.Traces.Import;
using VmSim.Core.VirtualTime;
using VmSim.Core.Workloads.Synthetic;

namespace SamplePlugIns.Flawed;

/// <summary>A backend that cannot be made.</summary>
public sealed class ThrowsWhenMade : MemoryBackend
{
    public ThrowsWhenMade() => throw new InvalidOperationException("no memory module is plugged in");

    public override string Name => "throws-when-made";

    public override FaultKind HandleFault(in Fault fault, SpaceMemory memory) => FaultKind.BusError;
}

/// <summary>A backend that needs what is not there.</summary>
public sealed class NeedsANumber(int number) : MemoryBackend
{
    public override string Name => $"needs-{number}";

    public override FaultKind HandleFault(in Fault fault, SpaceMemory memory) => FaultKind.BusError;
}

/// <summary>A backend that is only begun.</summary>
public abstract class Unfinished : MemoryBackend;

/// <summary>A backend that throws at the first fault.</summary>
public sealed class ThrowsAtAFault : MemoryBackend
{
    public override string Name => "throws-at-a-fault";

    public override FaultKind HandleFault(in Fault fault, SpaceMemory memory) =>
        throw new InvalidOperationException($"what to do at {fault.Page}?");
}

/// <summary>A protocol that throws when translations have died.</summary>
public sealed class ThrowsAtAShootdown : IShootdownProtocol
{
    public string Name => "throws-at-a-shootdown";

    public string Summary => "throws when translations have died";

    public SpaceShootdown CreateSpaceHalf(ISpaceShootdownContext context) => new SpaceHalf();

    public CoreShootdown CreateCoreHalf(ICoreShootdownContext context) => new CoreHalf();

    private sealed class SpaceHalf : SpaceShootdown
    {
        public override void Begin(ShootdownRequest shootdown) => throw new NotSupportedException("shootdowns");

        public override void OnAck(ShootdownRequest shootdown, CoreId core)
        {
        }

        public override LoadAnswer OnLoad(CoreId core) => new(new Asid(1));
    }

    private sealed class CoreHalf : CoreShootdown
    {
        public override InvalidationResult OnInvalidation(in Invalidation invalidation) => default;

        public override LoadResult OnLoaded(SpaceId space, in LoadAnswer answer) => new(answer.Tag, 0, Flushed: false);
    }
}

/// <summary>A program that throws while its operations are read.</summary>
public sealed record ThrowsWhenRead : SyntheticProgram
{
    public override ProgramImage Build(ProgramContext context)
    {
        ThreadScript script = new();
        return new ProgramImage { Name = context.Name, Threads = [script.Thread("only", Run)] };
    }

    private static IEnumerable<ulong> Run()
    {
        yield return ThreadScript.Control(ControlKind.Compute, 1_000);
        throw new InvalidOperationException("out of operations");
    }
}

/// <summary>An importer that throws.</summary>
public sealed class ThrowsWhenImporting : ITraceImporter
{
    public string Name => "throws-when-importing";

    public string Summary => "throws";

    public ImportSummary Import(Stream log, IVmtSink sink, ImportOptions options) => throw new InvalidOperationException("not today");
}
