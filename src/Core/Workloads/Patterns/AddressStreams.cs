using VmSim.Core.Addresses;
using VmSim.Core.Settings;
using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Core.Workloads.Patterns;

/// <summary>One stream of <see cref="AddressStreams"/>.</summary>
/// <param name="Name">Its name in tables of TLB configurations.</param>
/// <param name="Pattern">The name of the pattern of synthetic programs that draws the same pages.</param>
/// <param name="MaxPages">Most pages that it can go over.</param>
public sealed record AddressStreamKind(string Name, string Pattern, long MaxPages) : INamed
{
    /// <inheritdoc/>
    public string Summary => PagePatterns.All.Require(Pattern, Name).Summary;

    /// <summary>Makes the stream for a number of pages and a seed.</summary>
    public required Func<ulong, ulong, AddressStream> Make { get; init; }
}

/// <summary>The address streams by name. A new stream is one class and one line here.</summary>
public static class AddressStreams
{
    // all of them fit between the first address and the end of the user half of 47 bits
    private const long MostPages = 1L << 28;
    private const long MostZipfPages = 1L << 24;

    /// <summary>Every stream, in the order in which lists show them.</summary>
    public static Registry<AddressStreamKind> All { get; } = new("address stream",
    [
        new("seq64", "sequential", MostPages) { Make = (pages, _) => new SteppedStream(pages << 12, 64) },
        new("seqpage", "sequential-pages", MostPages) { Make = (pages, _) => new SteppedStream(pages << 12, PageSizes.BaseBytes) },
        new("stride33", "strided", MostPages) { Make = (pages, _) => new SteppedStream(pages << 12, 33 * PageSizes.BaseBytes) },
        new("uniform", "uniform", MostPages) { Make = (pages, seed) => new UniformStream(pages, seed) },
        new("zipf", "zipf", MostZipfPages) { Make = (pages, seed) => new ZipfStream(pages, seed, scattered: true) },
        new("zipfpacked", "zipf-packed", MostZipfPages) { Make = (pages, seed) => new ZipfStream(pages, seed, scattered: false) },
        new("sparse", "sparse", MostPages) { Make = (pages, seed) => new SparseStream(pages, seed) },
        new("hotcold", "hot-cold", MostPages) { Make = (pages, seed) => new HotColdStream(pages, seed) },
        new("phases", "phases", MostPages) { Make = (pages, seed) => new PhasesStream(pages, seed) },
    ]);

    /// <summary>Starts the stream with a name, over a number of pages, drawn from a seed.</summary>
    /// <param name="name">A name of <see cref="All"/>.</param>
    /// <param name="pages">4 KiB pages that it goes over, 1 to the stream's most.</param>
    /// <param name="seed">Seed of its random numbers.</param>
    /// <exception cref="ScenarioException">There is no such stream.</exception>
    /// <exception cref="ArgumentOutOfRangeException">It cannot go over that many pages.</exception>
    public static AddressStream Create(string name, long pages, ulong seed)
    {
        AddressStreamKind kind = All.Require(name, "stream");
        ArgumentOutOfRangeException.ThrowIfLessThan(pages, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(pages, kind.MaxPages);
        return kind.Make((ulong)pages, seed);
    }
}
