using VmSim.Core.Settings;
using VmSim.Host.Sweeps;
using VmSim.Host.Terminal;

namespace VmSim.CoverageFuzz.Targets;

/// <summary>The file of a sweep: what varies in it is laid out as points, if these are few.</summary>
internal sealed class SweepTarget() : FuzzTarget("sweep", typeof(ScenarioException), typeof(UsageException))
{
    private const long PointsMax = 1_000;

    private static readonly ThreadLocal<string> Folder = new(() =>
    {
        string folder = Directory.CreateTempSubdirectory("vmsim-fuzz-").FullName;
        File.WriteAllText(Path.Combine(folder, "a.conf"), "processes = [\n {\n program = pattern\n threads = 1\n }\n]\n");
        return folder;
    });

    public override IEnumerable<byte[]> Seeds =>
    [
        SeedFiles.Text("scenario = a.conf\nname = x\nset { until = 2us }\n"
            + "vary { machine.cores = [2, 4], processes.0.threads = \"1..8*2\" }\n"
            + "zip { machine.sockets = [1, 2], memory.bytes = [\"1 GiB\", \"2 GiB\"] }\nrepeat = 2\nmetrics = [minorFaults]\n"
            + "bisect = off\n"
            + "baseline { machine.cores = 2 }\nexpect { minorFaults = 1..10 }\n"),
        SeedFiles.Text("scenario = a.conf\ncores = 2..20+3\nprotocols = [linux, latr]\nseeds = 5..9\nfit-sockets = on\n"),
    ];

    public override IEnumerable<string> Words =>
    [
        "scenario = a.conf\n", "vary { ", "zip { ", "set { ", "expect { ", "baseline { ", "cores = ", "protocols = [ ", "seeds = ",
        "repeat = ", "1..9*2", "4..20+4", "9223372036854775807", "fit-sockets = on\n",
    ];

    protected override void Read(byte[] input)
    {
        string file = Path.Combine(Folder.Value!, "sweep.conf");
        File.WriteAllBytes(file, input);
        SweepPlan plan = SweepFile.Load(file);
        long runs = plan.Axes.Aggregate((long)Math.Max(1, plan.Seeds.Count), (product, axis) => checked(product * axis.Rows.Count));
        if (runs <= PointsMax)
        {
            Same("the number of a sweep's runs", BitConverter.GetBytes(runs), BitConverter.GetBytes((long)plan.Points().Count));
        }
    }
}
