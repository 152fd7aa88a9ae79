using System.Globalization;
using VmSim.Core.Mmu;

namespace VmSim.Benchmarks;

/// <summary>
/// <c>mmu [--yardstick PATH] [--accesses N] [--pairs N] [--only geometries|default]</c>: what a translation costs, beside a hand-tuned C++ loop with the same semantics
/// run alternately, as markdown tables.
/// </summary>
internal static class MmuBenchmark
{
    private const string DefaultYardstick = "../shared/yardstick/yardstick.cpp";

    private static readonly Geometry Default = new("64/4 + 1536/12, PSC 32/4/4", new MmuSpec(), 0, 0);

    /// <summary>Every geometry of the configurations that the MMU's counts are compared on.</summary>
    private static readonly Geometry[] Geometries =
    [
        Default,
        new("no PSC", new MmuSpec { PdeEntries = 0, PdpteEntries = 0, Pml4eEntries = 0 }, 0, 0),
        new("PSC 32/16/4", new MmuSpec { PdpteEntries = 16 }, 0, 0),
        new("PSC 0/0/16", new MmuSpec { PdeEntries = 0, PdpteEntries = 0, Pml4eEntries = 16 }, 0, 0),
        new("64/4 plru + 2048/16 plru", Make(64, 4, 2048, 16, "plru"), 0, 0),
        new("64/4 fifo + 1536/12 fifo", Make(64, 4, 1536, 12, "fifo"), 0, 0),
        new("64/4 + 2048/16", Make(64, 4, 2048, 16), 0, 0),
        new("64/1 + 1024/1", Make(64, 1, 1024, 1), 0, 0),
        new("48/48 + 1152/12", Make(48, 48, 1152, 12), 0, 0),
        new("64/4 + 1152/12 (96 sets)", Make(64, 4, 1152, 12), 0, 0),
        new("64/4, no second level", Make(64, 4, 0, 1), 0, 0),
        new("default, 50 % 2M pages", new MmuSpec(), 50, 11),
        new("default, 100 % 2M pages", new MmuSpec(), 100, 3),
        new("64/4 plru + 1024/8 plru, 90 % 2M pages", Make(64, 4, 1024, 8, "plru"), 90, 3),
        new("PSC 24/8/2, 40 % 2M pages", new MmuSpec { PdeEntries = 24, PdpteEntries = 8, Pml4eEntries = 2 }, 40, 17),
    ];

    public static int Run(string[] args)
    {
        int accesses = int.Parse(Option(args, "--accesses") ?? "8000000", CultureInfo.InvariantCulture);
        int pairs = int.Parse(Option(args, "--pairs") ?? "5", CultureInfo.InvariantCulture);
        string only = Option(args, "--only") ?? "";
        using Yardstick? yardstick = Yardstick.Start(Option(args, "--yardstick") ?? DefaultYardstick, accesses);
        Dictionary<string, ulong[]> streams = MmuStreams.Names.ToDictionary(name => name, name => MmuStreams.Make(name, accesses), StringComparer.Ordinal);
        WarmUp();
        if (only != "geometries")
        {
            Console.WriteLine($"{accesses:N0} accesses, default geometry; the best pair of {pairs}.");
            Console.WriteLine();
            Console.WriteLine("| stream | MMU, ns per access | tuned C++ | ratio |");
            Console.WriteLine("|---|---:|---:|---:|");
            foreach ((string name, ulong[] addresses) in streams)
            {
                Console.WriteLine(Row(name, Measure(Default, name, addresses, yardstick, "tuned", pairs)));
            }
        }

        if (only != "default")
        {
            Console.WriteLine();
            Console.WriteLine("| geometry | stream | MMU, ns per access | simple C++ at the default geometry | ratio |");
            Console.WriteLine("|---|---|---:|---:|---:|");
            foreach (Geometry geometry in Geometries)
            {
                foreach ((string name, ulong[] addresses) in streams)
                {
                    Console.WriteLine(Row($"{geometry.Name} | {name}", Measure(geometry, name, addresses, yardstick, "simple", Math.Max(1, pairs / 2))));
                }
            }
        }

        return 0;
    }

    private static MmuSpec Make(int first, int firstWays, int second, int secondWays, string policy = "lru") => new()
    {
        Data4K = new TlbSpec { Entries = first, Ways = firstWays, Policy = policy },
        DataLarge = new TlbSpec { Entries = 32, Ways = 4, Policy = policy },
        Second = new TlbSpec { Entries = second, Ways = secondWays, Policy = policy },
    };

    private static string? Option(string[] args, string name)
    {
        int at = Array.IndexOf(args, name);
        return at >= 0 && at + 1 < args.Length ? args[at + 1] : null;
    }

    /// <summary>Lets the runtime compile the loop for good, on every kind of stream.</summary>
    private static void WarmUp()
    {
        foreach (string name in MmuStreams.Names)
        {
            ulong[] addresses = MmuStreams.Make(name, 50_000);
            for (int round = 0; round < 30; round++)
            {
                MmuDriver.Run(Geometries[round % 2 * 11].Spec, round % 2 * 50, 11, addresses);
            }

            Thread.Sleep(200);
        }
    }

    /// <summary>The pair with the least ratio of several, run alternately; without the yardstick, the least time.</summary>
    private static (MmuRun Mmu, MmuRun? Yardstick) Measure(
        Geometry geometry, string stream, ulong[] addresses, Yardstick? yardstick, string variant, int pairs)
    {
        (MmuRun Mmu, MmuRun? Yardstick) best = default;
        double least = double.MaxValue;
        for (int pair = 0; pair < pairs; pair++)
        {
            MmuRun? theirs = yardstick?.Run(stream, variant);
            MmuRun ours = MmuDriver.Run(geometry.Spec, geometry.LargePercent, geometry.LargeSeed, addresses);
            if (geometry == Default && theirs is { } run && !ours.SameCounts(run))
            {
                throw new InvalidOperationException($"The counts differ on {stream}: {ours} here, {run} there.");
            }

            double ratio = ours.Nanoseconds / (theirs?.Nanoseconds ?? 1);
            if (ratio < least)
            {
                least = ratio;
                best = (ours, theirs);
            }
        }

        return best;
    }

    private static string Row(string name, (MmuRun Mmu, MmuRun? Yardstick) pair)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        string theirs = pair.Yardstick is { } run ? run.Nanoseconds.ToString("F2", culture) : "";
        string ratio = pair.Yardstick is { } other ? (pair.Mmu.Nanoseconds / other.Nanoseconds).ToString("F2", culture) : "";
        return string.Create(culture, $"| {name} | {pair.Mmu.Nanoseconds:F2} | {theirs} | {ratio} |");
    }

    private sealed record Geometry(string Name, MmuSpec Spec, int LargePercent, ulong LargeSeed);
}
