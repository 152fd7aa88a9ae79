using System.Globalization;
using VmSim.Core.Mmu;

namespace VmSim.Benchmarks;

/// <summary>
/// <c>mmu [--yardstick PATH] [--accesses N] [--pairs N] [--only geometries|default]</c>: what a translation costs, beside a hand-tuned C++
/// loop with the same semantics
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
        Dictionary<string, ulong[]> streams = MmuStreams.Names.ToDictionary(
            name => name, name => MmuStreams.Make(name, accesses), StringComparer.Ordinal);
        WarmUp();
        if (only != "geometries")
        {
            Console.WriteLine($"{accesses:N0} accesses, default geometry, {pairs} pairs.");
            Console.WriteLine();
            Console.WriteLine("| stream | MMU, ns per access | tuned C++ | ratio of the best | median ratio of the pairs |");
            Console.WriteLine("|---|---:|---:|---:|---:|");
            foreach ((string name, ulong[] addresses) in streams)
            {
                Console.WriteLine(Row(name, Measure(Default, name, addresses, yardstick, "tuned", pairs)));
            }
        }

        if (only != "default")
        {
            Console.WriteLine();
            Console.WriteLine(
                "| geometry | stream | MMU, ns per access | simple C++ at the default geometry | ratio of the best | median ratio |");
            Console.WriteLine("|---|---|---:|---:|---:|---:|");
            foreach (Geometry geometry in Geometries)
            {
                foreach ((string name, ulong[] addresses) in streams)
                {
                    Console.WriteLine(Row($"{geometry.Name} | {name}", Measure(geometry, name, addresses, yardstick, "simple", pairs)));
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
                Geometry geometry = Geometries[round % Geometries.Length];
                MmuDriver.Run(geometry.Spec, geometry.LargePercent, geometry.LargeSeed, addresses);
            }

            Thread.Sleep(200);
        }
    }

    /// <summary>Runs pairs alternately. The best time of each, and the median of the pairs' ratios.</summary>
    private static Comparison Measure(Geometry geometry, string stream, ulong[] addresses, Yardstick? yardstick, string variant, int pairs)
    {
        List<double> ours = [];
        List<double> theirs = [];
        List<double> ratios = [];
        for (int pair = 0; pair < pairs; pair++)
        {
            MmuRun? other = yardstick?.Run(stream, variant);
            MmuRun run = MmuDriver.Run(geometry.Spec, geometry.LargePercent, geometry.LargeSeed, addresses);
            ours.Add(run.Nanoseconds);
            if (other is not { } same)
            {
                continue;
            }

            if (geometry == Default && !run.SameCounts(same))
            {
                throw new InvalidOperationException($"The counts differ on {stream}: {run} here, {same} there.");
            }

            theirs.Add(same.Nanoseconds);
            ratios.Add(run.Nanoseconds / same.Nanoseconds);
        }

        ratios.Sort();
        return new Comparison(ours.Min(), theirs.Count == 0 ? null : theirs.Min(), ratios.Count == 0 ? null : ratios[ratios.Count / 2]);
    }

    private static string Row(string name, Comparison times) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"| {name} | {times.Ours:F2} | {times.Theirs:F2} | {times.Ours / times.Theirs:F2} | {times.MedianRatio:F2} |");

    /// <summary>Nanoseconds for each access.</summary>
    private readonly record struct Comparison(double Ours, double? Theirs, double? MedianRatio);

    private sealed record Geometry(string Name, MmuSpec Spec, int LargePercent, ulong LargeSeed);
}
