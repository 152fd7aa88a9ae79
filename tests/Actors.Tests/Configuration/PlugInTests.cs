using VmSim.Actors.Configuration;
using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Memory;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Paging;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Core.Statistics;
using VmSim.Testing;

namespace VmSim.Actors.Tests.Configuration;

/// <summary>What <see cref="PairBackend"/> counts.</summary>
public sealed class PairCounters : CounterSet<PairCounters>
{
    public static readonly Counter Pairs = Declare("pairs", "faults", "Faults that mapped a page and the next one.");
}

/// <summary>A backend that counts on being named in a scenario: maps the page that is touched and the next one.</summary>
[Counts<PairCounters>]
public sealed class PairBackend : MemoryBackend
{
    /// <inheritdoc/>
    public override string Name => "pair";

    /// <inheritdoc/>
    public override FaultKind HandleFault(in Fault fault, SpaceMemory memory)
    {
        PageFlags flags = SpaceMemory.EntryFlags(fault.Flags, writable: true);
        CountersOf<PairCounters>(memory)[PairCounters.Pairs]++;
        for (ulong i = 0; i < 2; i++)
        {
            VirtAddr page = fault.Page + (i << 12);
            if (fault.Area.Contains(page) && !memory.Table.Query(page).Mapped
                && (!memory.TryAllocate(FrameKind.Anonymous, out PhysAddr frame) || !memory.MapFrame(page, frame, PageSize.Size4K, flags)))
            {
                return FaultKind.OutOfMemory;
            }
        }

        return FaultKind.Anonymous;
    }
}

public sealed class PlugInTests
{
    private const string Touching = "\nprocesses = [\n {\n program = map-touch-unmap\n iterations = 10\n pages = 16\n }\n]";

    [Fact]
    public void Parse_BackendByTypeName_ServesAnonymousMemory()
    {
        string type = typeof(PairBackend).AssemblyQualifiedName!;
        string dll = typeof(PairBackend).Assembly.Location;
        Assert.Equal(160, Faults(""));
        RunReport pairs = Run($"plug-ins = [ \"{dll}\" ]\nmemory.anonymous = \"{type}\"");
        Assert.Equal((80, 80), (pairs.Total("minorFaults"), pairs.Total("pairs")));
        Assert.Equal(0, Faults("memory.anonymous = populate"));
    }

    [Theory]
    [InlineData("memory.anonymous = lasy", "did you mean lazy?")]
    [InlineData("memory.anonymous = file", "allowed: device, guard")]
    [InlineData("memory.anonymous = \"System.String, System.Private.CoreLib\"", "does not derive from")]
    public void Parse_NoSuchBackend_SaysWhatThereIs(string text, string expected)
    {
        ScenarioException error = Assert.Throws<ScenarioException>(() => ScenarioLoader.Parse(text + Touching, "here", ".", []));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    /// <summary>
    /// A device mapping leads to frames by address and owns none: one that another process gives back is no concern of the checker's.
    /// </summary>
    [Fact]
    public void Run_DeviceMemoryOverSharedFrames_IsNoViolation()
    {
        const string Processes = "processes = [\n {\n program = garbage-collector\n },\n {\n program = page-fault2\n pages = 31\n }\n]";
        ScenarioSpec scenario = ScenarioLoader.Parse(
            $"machine.cores = 6\nmemory.shared = on\nmemory.anonymous = device\nuntil = 3ms\n{Processes}", "here", ".", []);
        using World world = new(scenario, check: true);
        RunReport report = ReportBuilder.Build(world, new SequentialEngine(world).Run());
        Assert.DoesNotContain(report.Findings, line => line.Contains("EarlyRelease", StringComparison.Ordinal));
        Assert.Equal(RunOutcomes.Until, report.Outcome);
        Assert.True(report.Total("unmapOperations") > 0);
    }

    private static long Faults(string text) => Run(text).Total("minorFaults");

    private static RunReport Run(string text) => TestWorlds.Run(ScenarioLoader.Parse(text + Touching, "here", ".", []));
}
