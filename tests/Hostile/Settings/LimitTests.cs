using System.Diagnostics;
using System.Globalization;
using VmSim.Actors.Configuration;
using VmSim.Host.Tests.CommandLine;
using Xunit.Abstractions;

namespace VmSim.Hostile.Tests.Settings;

/// <summary>
/// Settings at the ends of what docs/settings.md allows, and just beyond: what is allowed works or is refused for a reason, and what is
/// not allowed is refused with what is.
/// </summary>
public sealed class LimitTests(ITestOutputHelper log) : Scratch
{
    /// <summary>Settings with the choice that they belong to: a program, a protocol; null for those of every scenario.</summary>
    private static readonly IReadOnlyList<(string? Owner, SettingRow Row)> Rows =
    [
        .. SettingList.All.Where(list => list.Title is not ("Cluster" or "Traces"))
            .SelectMany(list => list.Rows.Select(row => (list.IsPart ? $"{OwnerKey(row.Key)}={list.Title}" : null, row))),
        (null, new SettingRow("processes.0.count", "Copies of a process.", "1 to 65,536", "1")),
    ];

    private static readonly TimeSpan Slow = TimeSpan.FromSeconds(5);

    /// <summary>The latest end of a run, in cycles: long enough for every kind of event.</summary>
    private const decimal LastCycle = 1_000_000;

    [Fact]
    public Task FewSettings_AtTheirLimits_WorkOrAreRefused() => TakeAsync(150);

    [Fact]
    [Trait("Category", "Long")]
    public Task ManySettings_AtTheirLimits_WorkOrAreRefused() => TakeAsync(Number("VMSIM_HOSTILE_RUNS", 10_000));

    /// <summary>The settings that make a world large, each at its limit; what they take is written.</summary>
    [Theory]
    [Trait("Category", "Long")]
    [InlineData("machine.cores=65536")]
    [InlineData("processes.0.threads=65536")]
    [InlineData("processes.0.count=65536")]
    public async Task LargeWorld_AtItsLimit_Works(string set)
    {
        long started = Stopwatch.GetTimestamp();
        (int code, string output, string error) = await CommandRunner.RunAsync("run", Scenario(), "--set", set);
        Assert.True(code == 0, output + error);
        log.WriteLine(
            $"{set}: {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s, {Process.GetCurrentProcess().PeakWorkingSet64 >> 20} MiB");
    }

    [Fact]
    public async Task Worlds_LargerThanAll_AreRefused()
    {
        string error = await RefusedAsync(
            "run", Scenario(), "--set", "processes.0.count=65536", "--set", "processes.0.threads=65536");
        AssertSays("at most 131,072 and 1,048,576 are allowed", error);
    }

    private async Task TakeAsync(int count)
    {
        int first = Number("VMSIM_HOSTILE_SEED", 1);
        SortedDictionary<int, int> codes = [];
        (TimeSpan Time, string What) slowest = default;
        string scenario = Scenario();
        for (int seed = first; seed < first + count; seed++)
        {
            string[] sets = [.. Draw(new Random(seed)).SelectMany(set => (string[])["--set", set])];
            string what = $"{string.Join(' ', sets)}, again with VMSIM_HOSTILE_SEED={seed}";
            long started = Stopwatch.GetTimestamp();
            (int code, string output, string error) = await CommandRunner.RunAsync(["run", scenario, .. sets]);
            TimeSpan time = Stopwatch.GetElapsedTime(started);
            slowest = time > slowest.Time ? (time, what) : slowest;
            if (time > Slow)
            {
                log.WriteLine($"{time.TotalSeconds:0.0} s: {what}");
            }

            codes[code] = codes.GetValueOrDefault(code) + 1;
            Assert.True(code is 0 or 1 or 65, $"{what}: exit code {code}: {output}{error}");
            Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
        }

        log.WriteLine(
            $"{count} settings from seed {first}: {string.Join(", ", codes.Select(code => $"{code.Value} with exit code {code.Key}"))}; "
            + $"slowest {slowest.Time.TotalSeconds:0.00} s ({slowest.What}); "
            + $"peak {Process.GetCurrentProcess().PeakWorkingSet64 >> 20} MiB");
    }

    private string Scenario() => Write(
        "limits.conf",
        "machine.cores = 2\nmachine.sockets = 1\nuntil = 50000\n"
        + "processes = [\n {\n program = pattern\n threads = 2\n pages = 64\n }\n]\n");

    /// <summary>What names the class that a setting belongs to: the key before "-settings", or the program.</summary>
    private static string OwnerKey(string key) =>
        key.IndexOf("-settings.", StringComparison.Ordinal) is > 0 and int end ? key[..end] : "processes.0.program";

    /// <summary>One to three settings, of the scenario and of one program or other class.</summary>
    private static IEnumerable<string> Draw(Random random)
    {
        string? chosen = null;
        for (int left = 1 + random.Next(3); left > 0; left--)
        {
            (string? owner, SettingRow row) = Rows[random.Next(Rows.Count)];
            if (owner is not null && chosen is null)
            {
                chosen = owner;
                yield return owner;
            }

            if (owner is null || owner == chosen)
            {
                bool isOfProcess = owner?.StartsWith("processes.", StringComparison.Ordinal) == true;
                yield return $"{(isOfProcess ? "processes.0." : "")}{row.Key}={ValueOf(row, random)}";
            }
        }
    }

    private static string ValueOf(SettingRow row, Random random)
    {
        if (!TryRange(row.Allowed, out decimal least, out decimal most))
        {
            string[] choices = row.Allowed == "on or off" ? ["on", "off"] : row.Allowed.Split(", ");
            return random.Next(8) == 0 ? "nothing" : choices.Length > 1 ? choices[random.Next(choices.Length)] : row.Default;
        }

        // The limits of what makes a world large have a test of their own.
        most = row.Key is "machine.cores" or "processes.0.count" or "threads" ? Math.Min(most, 1_024) : most;
        decimal step = row.Allowed.Split(' ', 4)[..3].Any(word => word.Contains('.', StringComparison.Ordinal)) ? 0.001m : 1;
        decimal[] values = [least, least + step, most, most - step, least - step, most + step, decimal.Floor((least + most) / 2)];
        decimal value = values[random.Next(values.Length)];

        // A run without an end in sight works, and would take as long as the program that another setting makes endless.
        bool isEndless = row.Key == "until" && (value == 0 || (value > LastCycle && value <= most));
        return (isEndless ? LastCycle : value).ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>The two numbers that "1 to 65,536 cycles" and its like begin with.</summary>
    private static bool TryRange(string allowed, out decimal least, out decimal most)
    {
        string[] ends = allowed.Split(" to ", 2);
        least = most = 0;
        return ends.Length == 2
            && decimal.TryParse(ends[0], NumberStyles.Number, CultureInfo.InvariantCulture, out least)
            && decimal.TryParse(ends[1].Split(' ', 2)[0].TrimEnd(','), NumberStyles.Number, CultureInfo.InvariantCulture, out most);
    }
}
