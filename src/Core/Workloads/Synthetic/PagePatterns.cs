using VmSim.Core.Settings;

namespace VmSim.Core.Workloads.Synthetic;

/// <summary>One pattern of <see cref="PagePatterns"/>.</summary>
/// <param name="Name">Its name in scenarios.</param>
/// <param name="Summary">What it does, in a line.</param>
public sealed record PagePatternKind(string Name, string Summary) : INamed
{
    /// <summary>
    /// Makes the pattern over a number of pages (1 to 2^32; zipf and pointer-chase to 2^24), for a seed and a step in pages.
    /// </summary>
    public required Func<ulong, ulong, ulong, PagePattern> Make { get; init; }
}

/// <summary>The orders in which synthetic programs use pages. A new pattern is one class and one line here.</summary>
public static class PagePatterns
{
    /// <summary>Every pattern, in the order in which lists show them.</summary>
    public static Registry<PagePatternKind> All { get; } = new("pattern",
    [
        new("sequential", "through memory in steps of 64 bytes") { Make = (pages, _, _) => new SteppedPattern(pages, 1, 64) },
        new("sequential-pages", "page after page") { Make = (pages, _, _) => new SteppedPattern(pages, 1, 1) },
        new(
            "strided",
            "every 33rd page, or at another step (stride)") { Make = (pages, _, stride) => new SteppedPattern(pages, stride, 1) },
        new("uniform", "every page as likely as any other") { Make = (pages, seed, _) => new UniformPattern(pages, seed) },
        new("zipf", "Zipf's law with exponent 0.9, popular pages scattered")
        {
            Make = (pages, seed, _) => new ZipfPattern(pages, seed, scattered: true),
        },
        new("zipf-packed", "Zipf's law with exponent 0.9, popular pages first")
        {
            Make = (pages, seed, _) => new ZipfPattern(pages, seed, scattered: false),
        },
        new(
            "hot-cold",
            "nine of ten accesses to 1,000 hot pages, the tenth anywhere") { Make = (pages, seed, _) => new HotColdPattern(pages, seed) },
        new(
            "pointer-chase",
            "all pages once in a drawn order, again and again") { Make = (pages, seed, _) => new PointerChasePattern(pages, seed) },
        new(
            "phases",
            "2,000 neighbouring pages, elsewhere every 65,536 accesses") { Make = (pages, seed, _) => new PhasesPattern(pages, seed) },
        new("sparse", "single pages far apart, in 64 regions of 512 GiB") { Make = (pages, seed, _) => new SparsePattern(pages, seed) },
    ]);

    /// <summary>Makes the pattern with a name, for a number of pages and a seed.</summary>
    /// <param name="name">A name of <see cref="All"/>.</param>
    /// <param name="pages">Pages that it goes over: 1 to 2^32; zipf and pointer-chase to 2^24.</param>
    /// <param name="seed">Seed of what it draws.</param>
    /// <param name="stride">The step of strided, in pages.</param>
    /// <exception cref="ScenarioException">There is no such pattern.</exception>
    public static PagePattern Create(string name, ulong pages, ulong seed, ulong stride) =>
        All.Require(name, "pattern").Make(pages, seed, stride);
}
