using VmSim.Actors.Cluster;
using VmSim.Actors.Simulation;
using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Paging;
using VmSim.Core.Reports;
using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;
using VmSim.Core.VirtualTime;

namespace VmSim.CoverageFuzz.Targets;

/// <summary>What a node has counted, as another is sent it. What is read is written and read alike.</summary>
internal sealed class StatisticsTarget() : FuzzTarget("statistics", typeof(InvalidDataException))
{
    public override IEnumerable<byte[]> Seeds
    {
        get
        {
            RunStatistics statistics = new();
            statistics.Cores.Add(1, [1, 2, 3]);
            statistics.Findings.Add(0, ["a", "b"]);
            statistics.Shootdowns.Add(0, new ShootdownTally(1, 0, [], [.. ShootdownFigure.All.Select(_ => new LatencyHistogram())]));
            statistics.RefillMisses.Add(0, new Dictionary<int, int> { [1] = 2 });
            statistics.Threads.Add(0, new ThreadReport
            {
                Id = new ThreadId(0),
                Name = "t",
                AddressSpace = new SpaceId(0),
                Core = new CoreId(1),
                Started = 5,
                Ended = 9,
                Accesses = 4,
                Faults = 1,
            });
            return [StatisticsCodec.Encode(statistics), StatisticsCodec.Encode(new RunStatistics())];
        }
    }

    protected override void Read(byte[] input)
    {
        byte[] written = StatisticsCodec.Encode(StatisticsCodec.Decode(input));
        Same("statistics that were written and read", written, StatisticsCodec.Encode(StatisticsCodec.Decode(written)));
    }
}

/// <summary>What nodes send each other in a phase.</summary>
internal sealed class EnvelopeTarget() : FuzzTarget("envelope", typeof(InvalidDataException))
{
    public override IEnumerable<byte[]> Seeds =>
    [
        EnvelopeCodec.Encode(new PhaseEnvelope
        {
            Domain = 1,
            Node = 0,
            Exchange = 7,
            Limit = 9,
            Horizon = new NodeHorizon(1, 2, 3, 4),
            Messages = [default(SimMessage), default(SimMessage)],
            Tables = [new TableChanges(1, 0, ChangesTarget.SomeChanges(PageTableFormats.X64))],
            Threads = [new SimThreadState(new ThreadId(1), new CoreId(2), 3, [4UL, 5UL], 6, 7, 8)],
        }),
    ];

    protected override void Read(byte[] input)
    {
        byte[] written = EnvelopeCodec.Encode(EnvelopeCodec.Decode(input));
        Same("an envelope that was written and read", written, EnvelopeCodec.Encode(EnvelopeCodec.Decode(written)));
    }
}

/// <summary>Changes of a page table, as another node is sent them: a byte says which format it has.</summary>
internal sealed class ChangesTarget() : FuzzTarget("table-changes", typeof(InvalidDataException))
{
    /// <summary>An address that every format has.</summary>
    private const ulong Start = 0x10_0000_0000;

    public override IEnumerable<byte[]> Seeds =>
        PageTableFormats.All.Select((format, number) => (byte[])[(byte)number, .. SomeChanges(format)]);

    /// <summary>What mapping, protecting and unmapping some pages changes.</summary>
    public static byte[] SomeChanges(PageTableFormat format)
    {
        using PageTable table = new(format) { LogsChanges = true };
        table.MapRange(new VirtAddr(Start), new PhysAddr(0), 16 << PageSizes.BaseShift, PageFlags.Write);
        table.Map(new VirtAddr(Start + (2 << 20)), new PhysAddr(2 << 20), PageSize.Size2M, PageFlags.Write);
        return table.TakeChanges();
    }

    protected override void Read(byte[] input)
    {
        using PageTable table = new(PageTableFormats.All.ElementAt(input.Length > 0 ? input[0] % PageTableFormats.All.Count() : 0));
        table.ApplyChanges(input.AsSpan(Math.Min(1, input.Length)));
        for (ulong page = 0; page < 32; page++)
        {
            table.Query(new VirtAddr(Start + (page << PageSizes.BaseShift)));
        }
    }
}
