using System.Diagnostics;
using System.Runtime.Versioning;
using System.Text;
using VmSim.Actors.Cluster;
using VmSim.Actors.Configuration;
using VmSim.Core.Experiments;
using VmSim.Core.Reports;
using VmSim.Core.Settings;
using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;
using VmSim.Core.Traces;
using VmSim.Core.Validation;
using VmSim.CoverageFuzz;
using VmSim.Host.Tests.CommandLine;
using Xunit.Abstractions;

namespace VmSim.Hostile.Tests.Mutations;

/// <summary>
/// Mutated inputs for each reader and command: each is used or refused with a message, in bounded time. The long form takes 100,000.
/// </summary>
[SupportedOSPlatform("linux")]
public sealed class MutationTests(ITestOutputHelper log) : Scratch
{
    private const string Target = "target ";

    private const string Text = "# vmt 1 x pagesize 4096\nf 1 /bin/x\ni 1000 4000 3 22 - 0 [stack]\nb 9000\nt 1\nW 1 5\nn 2\n"
        + "m 20000 3000 3 22 - 0\nt 2\nR 20\nW 21 3\ns 20000 100 R\np 20000 1000 1\nd 20000 1000 4\n"
        + "r 20000 1000 2000 1 30000\nw futex 500 *\nu 21000 1000\nt 1\nw poll 70 -\nc mbind 20000 1000 2 3 1\nw futex 9 2\n"
        + "x 2\nk fork 7\nk exec\nI 1 9\n";

    private static readonly Dictionary<string, byte[]> Seeds = new(StringComparer.Ordinal)
    {
        ["verify.vmt"] = Bytes(Text),
        ["verify.vmtb"] = Binary(),
        ["info.vmt"] = Bytes(Text),
        ["folios.vmt"] = Bytes(Text),
        ["cut.vmt"] = Bytes(Text),
        ["run.vmt"] = Bytes(Text),
        ["load.conf"] = Bytes(Tiny),
        ["load.full"] = File.ReadAllBytes(CommandRunner.At("config/scenarios/web-server.conf")),
        ["report.json"] = File.ReadAllBytes(Data("esc-report.json")),
        ["table.csv"] = File.ReadAllBytes(CommandRunner.At("config/examples/tlb.csv")),
        ["replay.ops"] = File.ReadAllBytes(CommandRunner.At("config/examples/memory-set.ops")),
        ["perf.log"] = Bytes("prog 12/13 5.1: page-faults: 7f0000001000\nprog 12/14 5.2: page-faults: 7f0000002000\n"),
        ["strace.log"] = Bytes(
            "12 execve(\"/bin/x\", [\"x\"], 0x7ffd /* 3 vars */) = 0\n12 brk(NULL) = 0x55d000\n"
            + "12 mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000001000\n"
            + "12 clone(child_stack=NULL, flags=CLONE_VM|CLONE_THREAD) = 13\n13 munmap(0x7f0000001000, 4096) = 0\n12 exit_group(0) = ?\n"),
        ["lackey.log"] = Bytes("I  04001000,3\n L 1ffeffe7e0,8\n S 1ffeffe7e8,8\n M 0421c7cc,4\n"),
        ["champsim.log"] = [.. Enumerable.Range(0, 4).SelectMany(i => BitConverter.GetBytes(0x400000L + i).Concat(new byte[56]))],
        ["maps.txt"] = Bytes(
            "# vmaps 1 pagesize 4096\n@ 12 0 exit /bin/x\n00001000-00005000 rw-p 00000000 00:00 0 [stack]\nSize: 16 kB\n"
            + "VmFlags: rd wr mr mw me ac\n00009000-0000a000 r-xp 00000000 fe:01 12 /bin/x\n"),
        ["wire.bytes"] = Wire(),
        ["drmemtrace.log"] =
            [.. Enumerable.Range(0, 6).SelectMany(i => new byte[] { (byte)(i % 3 * 5), 0, 4, 0, 0, 16, (byte)i, 0, 0, 0, 0, 0 })],
        ["sweep.conf"] = Bytes(
            "scenario = tiny.conf\nvary { machine.cores = [2, 4], processes.0.threads = \"1..8*2\" }\nzip { machine.sockets = [1, 2] }\n"
            + "protocols = [linux, latr]\nrepeat = 2\nmetrics = [minorFaults]\nbaseline { machine.cores = 2 }\n"),
        ["figures.csv"] = File.ReadAllBytes(CommandRunner.At("config/validation/sapphire-rapids-kvm.csv"))[..4096],
        ["ranges.csv"] = File.ReadAllBytes(CommandRunner.At("config/validation/programs-ranges.csv")),
        ["bounds.csv"] = File.ReadAllBytes(CommandRunner.At("config/validation/sapphire-rapids-kvm-bounds.csv")),
        ["tokens.text"] = Bytes($"{new string('a', 64)} reader ada\n{new string('0', 64)} operator ben\n"),
        ["plugin.dll"] = File.ReadAllBytes(typeof(CommandProcess).Assembly.Location),
    };

    /// <summary>Files of which every byte is under a checksum.</summary>
    private static readonly string[] Whole = ["verify.vmtb", "resume.checkpoint"];

    [Fact]
    public Task AnyInput_Mutated_IsUsedOrRefused() => TakeAsync(1_500);

    [Fact]
    [Trait("Category", "Long")]
    public Task ManyInputs_Mutated_AreUsedOrRefused() => TakeAsync(Number("VMSIM_HOSTILE_RUNS", 100_000));

    private static byte[] Wire()
    {
        RunStatistics statistics = new();
        statistics.Cores.Add(1, [1, 2, 3]);
        statistics.Findings.Add(0, ["a", "b"]);
        statistics.Shootdowns.Add(0, new ShootdownTally(1, 0, [], [.. ShootdownFigure.All.Select(_ => new LatencyHistogram())]));
        statistics.RefillMisses.Add(0, new Dictionary<int, int> { [1] = 2 });
        return StatisticsCodec.Encode(statistics);
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static byte[] Binary()
    {
        using MemoryStream stream = new();
        using (VmtBinaryWriter writer = new(stream))
        {
            TraceTools.Copy(new VmtTextReader(new MemoryStream(Bytes(Text)), "text"), writer);
        }

        return stream.ToArray();
    }

    private async Task TakeAsync(int count)
    {
        int first = Number("VMSIM_HOSTILE_SEED", 1);
        Dictionary<string, byte[]> seeds = new(Seeds, StringComparer.Ordinal)
        {
            ["show.pem"] = await CertificateAsync(),
            ["resume.checkpoint"] = await CheckpointAsync(),
        };
        foreach ((string target, FuzzTarget reader) in FuzzTargets.All)
        {
            foreach ((int number, byte[] seed) in reader.Seeds.Index())
            {
                seeds.Add($"{Target}{target}.{number}", seed);
            }
        }

        string[] names = [.. seeds.Keys];
        SortedDictionary<int, int> codes = [];
        (TimeSpan Time, string What) slowest = default;
        for (int seed = first; seed < first + count; seed++)
        {
            string name = names[seed % names.Length];
            byte[] input = new Mutator(seed).Mutate(seeds[name]);
            string what = $"{name}, again with VMSIM_HOSTILE_SEED={seed}";
            long started = Stopwatch.GetTimestamp();
            (int code, string said) = await GiveAsync(name, input);
            TimeSpan time = Stopwatch.GetElapsedTime(started);
            slowest = time > slowest.Time ? (time, what) : slowest;
            codes[code] = codes.GetValueOrDefault(code) + 1;
            Assert.True(code is 0 or 1 or 64 or 65, $"{what}: exit code {code}: {said}");
            Assert.DoesNotContain('\u001b', said);
            Assert.DoesNotContain("Object reference", said, StringComparison.Ordinal);
            Assert.DoesNotContain("found 'line ", said, StringComparison.Ordinal);
            Assert.True(
                !Whole.Contains(name) || code != 0 || input.AsSpan().SequenceEqual(seeds[name]),
                $"{what}: what was changed is called whole");
        }

        log.WriteLine(
            $"{count} inputs from seed {first}: {string.Join(", ", codes.Select(code => $"{code.Value} with exit code {code.Key}"))}; "
            + $"slowest {slowest.Time.TotalSeconds:0.00} s ({slowest.What}); "
            + $"peak {Process.GetCurrentProcess().PeakWorkingSet64 >> 20} MiB");
    }

    private async Task<byte[]> CertificateAsync()
    {
        Assert.Equal(0, (await CommandAsync("certs", "authority", At("ca"))).Code);
        Assert.Equal(0, (await CommandAsync("certs", "node", At("ca"), "a")).Code);
        return await File.ReadAllBytesAsync(At("ca/a.pem"));
    }

    private async Task<byte[]> CheckpointAsync()
    {
        string[] command = ["run", Write("tiny.conf", Tiny), "--checkpoint-virtual", "5us", "--checkpoint-to", At("made")];
        (int code, string said) = await CommandAsync(command);
        Assert.True(code == 0, said);
        return await File.ReadAllBytesAsync(At("made"));
    }

    private async Task<(int Code, string Said)> GiveAsync(string name, byte[] input)
    {
        if (name.StartsWith(Target, StringComparison.Ordinal))
        {
            string target = name[Target.Length..name.LastIndexOf('.')];
            try
            {
                return (FuzzTargets.All[target].Take(input) ? 0 : 65, "");
            }
            catch (Exception reason)
            {
                return (70, reason.ToString());
            }
        }

        string path = At(name.EndsWith(".full", StringComparison.Ordinal) ? "full.conf" : name);
        await File.WriteAllBytesAsync(path, input);
        string kind = name[..name.IndexOf('.', StringComparison.Ordinal)];
        switch (kind)
        {
            case "resume":
                return await CommandAsync("run", At("tiny.conf"), "--resume", path);
            case "sweep":
                return await CommandAsync("sweep", path, "--dry-run", "--out", At("sweep"));
            case "figures":
                return Read(() => FigureTable.Read(File.OpenText(path), path));
            case "ranges":
                return Read(() => RangeTable.Read(File.OpenText(path), path));
            case "bounds":
                return Read(() => ErrorBound.Read(File.OpenText(path), path));
            case "tokens":
                File.Move(path, At("tokens"), overwrite: true);
                return await CommandAsync("tokens", "list", "--store", Folder);
            case "plugin":
                return await CommandAsync("run", Write("guest.conf", $"{Tiny}plug-ins = [ plugin.dll ]\n"));
            case "load":
                return Read(() => ScenarioLoader.Load(path, []));
            case "table":
                return Read(() =>
                {
                    using StreamReader reader = new(path);
                    TlbTable.Read(reader, path);
                });
            case "wire":
                return Read(() => StatisticsCodec.Decode(input));
            case "maps":
                return await CommandAsync("trace", "verify", Write("fixed.vmt", Text), "--maps", path);
            case "show":
                File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
                return await CommandAsync("certs", "show", path);
            case "verify" or "info" or "folios":
                return await CommandAsync("trace", kind, path);
            case "cut":
                return await CommandAsync("trace", "cut", path, "-o", At("out.vmtb"));
            case "run":
                return await CommandAsync("run", path, "--set", "machine.cores=2", "--set", "machine.sockets=1", "--set", "until=5us");
            case "report" or "replay":
                return await CommandAsync(kind, path);
            default:
                return await CommandAsync("import", kind, path, "-o", At("out.vmt"));
        }
    }

    private static async Task<(int Code, string Said)> CommandAsync(params string[] args)
    {
        (int code, string output, string error) = await CommandRunner.RunAsync(args);
        return (code, output + error);
    }

    private static (int Code, string Said) Read(Action read)
    {
        try
        {
            read();
            return (0, "");
        }
        catch (Exception reason) when (reason is ScenarioException or TraceFormatException or TableFormatException or InvalidDataException)
        {
            return (65, reason.Message.Replace('\u001b', '?'));
        }
    }
}
