using VmSim.Core.Experiments;
using VmSim.Core.Workloads.Patterns;

namespace VmSim.CoverageFuzz.Targets;

/// <summary>A table of TLB configurations. Rows that are small are run; what they give can be written.</summary>
internal sealed class TableTarget() : FuzzTarget("table", typeof(TableFormatException))
{
    public override IEnumerable<byte[]> Seeds =>
        base.Seeds.Append(SeedFiles.Text("name,stream,pages,n,l1_policy\n\"a,\"\"b\",uniform,16,10,lru\nc,zipf,64,50,fifo\n"));

    public override IEnumerable<string> Words =>
    [
        "name", "stream", "pages", "seed", "cores", "huge_pct", "invlpg_every", "flush_every", "l2_policy", "trace",
        .. AddressStreams.All.Names,
    ];

    protected override void Read(byte[] input)
    {
        using StreamReader reader = new(new MemoryStream(input, writable: false));
        IReadOnlyList<TlbConfig> rows = TlbTable.Read(reader, "fuzz.csv");
        TlbTable.Write(
            TextWriter.Null,
            [.. rows.Where(IsSmall).Select(row => (row, TlbExperiment.Run(
                row,
                new StreamSource(AddressStreams.Create(row.Stream, row.Pages, row.Seed), row.Cores),
                _ => { },
                CancellationToken.None)))]);
    }

    private static bool IsSmall(TlbConfig row) => row.Trace.Length == 0 && row.Accesses <= 1_000 && row.Pages <= 1 << 16 && row.Cores <= 4;
}
