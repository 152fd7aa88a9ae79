using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace VmSim.Benchmarks;

/// <summary>
/// Runs whose domains are split over local nodes, by turns with those of another build of vmsim: what a run takes, how many exchanges it
/// makes and what one costs. Arguments: this build's vmsim, the other's or "-", nodes, rounds, scenario, then settings (key=value).
/// Without arguments: what the parts of an exchange cost (<see cref="ExchangeParts"/>).
/// </summary>
internal static class ExchangeBenchmark
{
    public static int Run(string[] args)
    {
        if (args.Length == 0)
        {
            return ExchangeParts.Run();
        }

        string[] builds = args[1] == "-" ? [args[0]] : [args[0], args[1]];
        int nodes = int.Parse(args[2], CultureInfo.InvariantCulture);
        int rounds = int.Parse(args[3], CultureInfo.InvariantCulture);
        Console.WriteLine($"{args[4]}, {nodes} nodes\n| build | seconds | windows | exchanges | us an exchange | processor s | load |");
        Console.WriteLine("|---|---:|---:|---:|---:|---:|---:|");
        HashSet<string> fingerprints = new(StringComparer.Ordinal);
        for (int round = 0; round < rounds; round++)
        {
            for (int build = 0; build < builds.Length; build++)
            {
                Row($"{build}", builds[build], nodes, args[4], args[5..], fingerprints);
            }
        }

        Console.WriteLine($"fingerprints: {string.Join(", ", fingerprints)}");
        return fingerprints.Count == 1 ? 0 : 1;
    }

    private static void Row(string name, string program, int nodes, string scenario, string[] settings, HashSet<string> fingerprints)
    {
        string folder = Directory.CreateTempSubdirectory("vmsim-exchange-").FullName;
        try
        {
            string count = nodes.ToString(CultureInfo.InvariantCulture);
            string[] arguments =
            [
                "run", scenario, "--local-nodes", count, "--set", "cluster.placement=split",
                .. settings.SelectMany(set => new[] { "--set", set }),
                "--out", folder,
            ];
            using Process process = Process.Start(new ProcessStartInfo(program, arguments)
            { RedirectStandardOutput = true, UseShellExecute = false })!;
            process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            using JsonDocument report = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "report.json")));
            JsonElement host = report.RootElement.GetProperty("host");
            double seconds = host.GetProperty("wallSeconds").GetDouble();
            long exchanges = host.GetProperty("nodes")[0].GetProperty("envelopes").GetInt64() / (nodes - 1);
            fingerprints.Add(report.RootElement.GetProperty("fingerprint").GetString()!);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {name} | {seconds:F2} | {host.GetProperty("windows").GetInt64()} | {exchanges} | {seconds / exchanges * 1e6:F0} | "
                    + $"{host.GetProperty("cpuSeconds").GetDouble():F1} | {Load()} |"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Load() => File.Exists("/proc/loadavg") ? File.ReadAllText("/proc/loadavg").Split(' ')[0] : "?";
}
