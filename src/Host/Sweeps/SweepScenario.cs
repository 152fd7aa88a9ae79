using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using VmSim.Actors.Cluster;
using VmSim.Actors.Configuration;
using VmSim.Core.Scenarios;

namespace VmSim.Host.Sweeps;

/// <summary>The scenario of one run of a sweep, and the digest by which the run is known again.</summary>
internal static class SweepScenario
{
    private const string Cores = "machine.cores=";

    /// <summary>Characters of a digest that folders are called by: 64 bits.</summary>
    private const int NameLength = 16;

    /// <summary>Digests of files that were read before, by path, length and time of the last change.</summary>
    private static readonly ConcurrentDictionary<(string Path, long Length, DateTime Changed), string> Digests = new();

    /// <summary>Loads a scenario.</summary>
    /// <param name="scenario">Its file.</param>
    /// <param name="sets">Settings over it.</param>
    /// <param name="fitsSockets">Whether a machine with fewer cores than sockets gets fewer sockets.</param>
    public static ScenarioSpec Load(string scenario, IReadOnlyList<string> sets, bool fitsSockets) =>
        ScenarioLoader.Load(scenario, Fit(scenario, sets, fitsSockets));

    /// <summary>Loads a scenario without its processes.</summary>
    public static ScenarioSpec LoadSettings(string scenario, IReadOnlyList<string> sets, bool fitsSockets) =>
        ScenarioLoader.LoadSettings(scenario, Fit(scenario, sets, fitsSockets));

    /// <summary>The text of <c>effective.conf</c>.</summary>
    public static string Effective(ScenarioSpec spec)
    {
        using StringWriter text = new();
        EffectiveConfiguration.Write(spec, text);
        return text.ToString();
    }

    /// <summary>
    /// A digest of all that decides what a run finds: every setting, the bytes of its traces and plug-ins, and the build of this program.
    /// What is expected of the report is no part of it.
    /// </summary>
    public static string DigestOf(ScenarioSpec spec)
    {
        StringBuilder text = new(BuildIdentity.Here);
        text.Append('\n').Append(Effective(spec with { Expect = [] }));
        foreach (string file in RunPlan.FilesOf(spec))
        {
            FileInfo info = new(file);
            text.Append(Digests.GetOrAdd((info.FullName, info.Length, info.LastWriteTimeUtc), key => RunInput.Of(key.Path).Digest))
                .Append('\n');
        }

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())))[..NameLength];
    }

    private static IReadOnlyList<string> Fit(string scenario, IReadOnlyList<string> sets, bool fitsSockets)
    {
        if (fitsSockets && sets.LastOrDefault(set => set.StartsWith(Cores, StringComparison.Ordinal)) is { } cores
            && int.TryParse(cores[Cores.Length..].Trim('"'), NumberStyles.None, CultureInfo.InvariantCulture, out int count))
        {
            string[] others = [.. sets.Where(set => !set.StartsWith(Cores, StringComparison.Ordinal))];
            if (ScenarioLoader.LoadSettings(scenario, others).Machine.Sockets > count && count > 0)
            {
                sets = [.. sets, string.Create(CultureInfo.InvariantCulture, $"machine.sockets={count}")];
            }
        }

        return sets;
    }
}
