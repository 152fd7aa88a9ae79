using System.Text;
using VmSim.Core.Experiments;
using VmSim.Core.Validation;

namespace VmSim.CoverageFuzz.Targets;

/// <summary>
/// The tables that <c>vmsim validate</c> compares with: figures that were measured and, behind a line of dashes, bounds of errors.
/// </summary>
internal sealed class FiguresTarget() : FuzzTarget("figures", typeof(TableFormatException))
{
    private const string Between = "\n---\n";

    public override IEnumerable<byte[]> Seeds =>
    [
        SeedFiles.Text($"# head\nprogram,beside,pages,figure,unit,measured,source\nmmu,none,1,interrupts,count,0.0000,s1\n"
            + $"mmu,none,1,mmap,ns,1087,s1\nmmu,none,8,whole,ns,4878.5,s1{Between}"
            + "family,unit,statistic,limit\n*,count,exact,99\n*,ns,median,6\nscaling,1/s,near,95\n"),
    ];

    public override IEnumerable<string> Words =>
    [
        Between, "mmu,", "dontneed,", "cow,", "none", "spin", "same", "touch", "interrupts,count,", "faults,", "1/s", "median", "near",
        "1e308",
    ];

    protected override void Read(byte[] input)
    {
        string[] parts = Encoding.UTF8.GetString(input).Split(Between, 2);
        FigureTable.Read(new StringReader(parts[0]), "figures.csv");
        ErrorBound.Read(new StringReader(parts[^1]), "bounds.csv");
    }
}
