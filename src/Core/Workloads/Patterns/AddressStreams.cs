using VmSim.Core.Addresses;
using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Core.Workloads.Patterns;

/// <summary>One stream of <see cref="AddressStreams"/>.</summary>
/// <param name="Name">Its name in tables of TLB configurations.</param>
/// <param name="Pattern">The name of the pattern of synthetic programs that draws the same pages.</param>
/// <param name="Summary">What it does, in a line.</param>
/// <param name="MaxPages">Most pages that it can go over.</param>
public sealed record AddressStreamInfo(string Name, string Pattern, string Summary, long MaxPages)
{
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
    public static IReadOnlyList<AddressStreamInfo> All { get; } =
    [
        new("seq64", "sequential", "through memory in steps of 64 bytes", MostPages) { Make = (pages, _) => new SteppedStream(pages << 12, 64) },
        new("seqpage", "sequential-pages", "page after page", MostPages) { Make = (pages, _) => new SteppedStream(pages << 12, PageSizes.BaseBytes) },
        new("stride33", "strided", "every 33rd page, or at another step (stride)", MostPages) { Make = (pages, _) => new SteppedStream(pages << 12, 33 * PageSizes.BaseBytes) },
        new("uniform", "uniform", "every page as likely as any other", MostPages) { Make = (pages, seed) => new UniformStream(pages, seed) },
        new("zipf", "zipf", "Zipf's law with exponent 0.9, popular pages scattered", MostZipfPages) { Make = (pages, seed) => new ZipfStream(pages, seed, scattered: true) },
        new("zipfpacked", "zipf-packed", "Zipf's law with exponent 0.9, popular pages first", MostZipfPages) { Make = (pages, seed) => new ZipfStream(pages, seed, scattered: false) },
        new("sparse", "sparse", "single pages far apart, in 64 regions of 512 GiB", MostPages) { Make = (pages, seed) => new SparseStream(pages, seed) },
        new("hotcold", "hot-cold", "nine of ten accesses to 1,000 hot pages, the tenth anywhere", MostPages) { Make = (pages, seed) => new HotColdStream(pages, seed) },
        new("phases", "phases", "2,000 neighbouring pages, elsewhere every 65,536 accesses", MostPages) { Make = (pages, seed) => new PhasesStream(pages, seed) },
    ];

    /// <summary>The patterns of synthetic programs, with what they do and the stream that draws the same pages.</summary>
    public static IEnumerable<(string Name, string Summary)> Patterns => PagePattern.Names.Split('|').Select(name =>
        (name, All.FirstOrDefault(stream => stream.Pattern == name) is { } stream
            ? $"{stream.Summary} (stream {stream.Name})"
            : "all pages once in a drawn order, again and again"));

    /// <summary>The stream called <paramref name="name"/>, or null.</summary>
    public static AddressStreamInfo? Find(string name) => All.FirstOrDefault(stream => stream.Name == name);

    /// <summary>Starts a stream.</summary>
    /// <param name="name">A name of <see cref="All"/>.</param>
    /// <param name="pages">4 KiB pages that it goes over, 1 to the stream's most.</param>
    /// <param name="seed">Seed of its random numbers.</param>
    /// <exception cref="ArgumentException">There is no such stream, or it cannot go over so many pages.</exception>
    public static AddressStream Create(string name, long pages, ulong seed)
    {
        AddressStreamInfo info = Find(name)
            ?? throw new ArgumentException($"there is no stream '{name}'; there are {string.Join(", ", All.Select(stream => stream.Name))}", nameof(name));
        ArgumentOutOfRangeException.ThrowIfLessThan(pages, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(pages, info.MaxPages);
        return info.Make((ulong)pages, seed);
    }
}
