using VmSim.Actors.Configuration;
using VmSim.Core.Shootdown;

namespace VmSim.Actors.Tests.Golden;

/// <summary>
/// Every scenario and trace that ships gives, under each protocol, what tests/Golden says. A change of a row is a decision;
/// tests/Golden/README.md says how it is made.
/// </summary>
public sealed class GoldenTests
{
    /// <summary>Where what a run gave is written when it differs, in the layout of tests/Golden.</summary>
    private static readonly string Actual = Path.Combine(AppContext.BaseDirectory, "golden-actual");

    private static readonly string Recorded = Path.Combine(AppContext.BaseDirectory, "golden");

    /// <summary>Protocols that stand in the record with every file: they use all that others are made of.</summary>
    private static readonly string[] WithEveryFile = ["broadcast", "linux", "latr"];

    /// <summary>Files that stand in the record with every protocol: small ones, of one process and of several.</summary>
    private static readonly string[] WithEveryProtocol =
        ["scenarios/tlb-flush2.conf", "scenarios/web-server.conf", "scenarios/many-processes.conf"];

    /// <summary>Behind a protocol's name in the record: under page-table isolation.</summary>
    private const string Isolated = "-isolated";

    /// <summary>What stands in the record under page-table isolation: a protocol by Linux's rules, and one that defers ranges.</summary>
    private static readonly (string File, string Protocol)[] WithIsolation =
        [("scenarios/tlb-flush2.conf", $"linux{Isolated}"), ("scenarios/tlb-flush2.conf", $"early-ack{Isolated}")];

    /// <summary>Cases of the short record: each file and protocol, cut after a short time.</summary>
    public static TheoryData<string, string> Short { get; } = Cases();

    /// <summary>Cases of the long record: each file and protocol, to its end.</summary>
    public static TheoryData<string, string> Long { get; } = Cases();

    [Theory]
    [MemberData(nameof(Short))]
    public void ShortRun_GivesWhatIsRecorded(string file, string protocol) =>
        Compare("short", file, protocol, $"until={(file.Contains("throughput-1024", StringComparison.Ordinal) ? "20us" : "200us")}");

    [Theory]
    [Trait("Category", "Long")]
    [MemberData(nameof(Long))]
    public void WholeRun_GivesWhatIsRecorded(string file, string protocol) => Compare("long", file, protocol);

    [Fact]
    public void Record_HasNoRowThatNothingMakes()
    {
        SortedSet<string> expected = [.. Short.Select(row => RecordName((string)row[0], (string)row[1]))];
        foreach (string set in (string[])["short", "long"])
        {
            SortedSet<string> present = [.. Directory.EnumerateFiles(Path.Combine(Recorded, set)).Select(file => Path.GetFileName(file))];
            Assert.Equal(expected, present);
        }
    }

    private static void Compare(string set, string file, string protocol, params string[] settings)
    {
        string path = file.StartsWith("data/", StringComparison.Ordinal)
            ? Path.Combine(AppContext.BaseDirectory, "TestData", "traces", file["data/".Length..])
            : ConfigFiles.Find(file);
        bool isolates = protocol.EndsWith(Isolated, StringComparison.Ordinal);
        string[] meant = isolates ? ["kernel.page-table-isolation=on"]
            : WithEveryFile.Contains(protocol) ? []
            : ["shootdown.hypothetical=on"];
        string actual = GoldenRecord.Of(
            path, [$"shootdown.protocol={(isolates ? protocol[..^Isolated.Length] : protocol)}", .. meant, .. settings]);
        string name = RecordName(file, protocol);
        string recorded = Path.Combine(Recorded, set, name);
        string expected = File.Exists(recorded) ? File.ReadAllText(recorded) : "";
        if (actual != expected)
        {
            Directory.CreateDirectory(Path.Combine(Actual, set));
            File.WriteAllText(Path.Combine(Actual, set, name), actual);
        }

        Assert.Equal(expected, actual);
    }

    private static string RecordName(string file, string protocol) => $"{Path.GetFileName(file).Split('.')[0]}.{protocol}.txt";

    private static TheoryData<string, string> Cases()
    {
        string config = ConfigFiles.Find("scenarios/quickstart.conf");
        string scenarios = Path.GetDirectoryName(config)!;
        string[] files =
        [
            .. Directory.EnumerateFiles(scenarios, "*.conf").Select(file => $"scenarios/{Path.GetFileName(file)}")
                .Order(StringComparer.Ordinal),
            .. Directory.EnumerateFiles(Path.Combine(scenarios, "..", "traces")).Select(file => $"traces/{Path.GetFileName(file)}")
                .Order(StringComparer.Ordinal),
            "data/forkcow.vmt.gz",
            "data/gitlog.vmt.gz",
        ];
        TheoryData<string, string> cases = [];
        foreach (string file in files)
        {
            foreach (IShootdownProtocol protocol in ShootdownProtocols.All)
            {
                if (WithEveryFile.Contains(protocol.Name) || WithEveryProtocol.Contains(file))
                {
                    cases.Add(file, protocol.Name);
                }
            }
        }

        foreach ((string file, string protocol) in WithIsolation)
        {
            cases.Add(file, protocol);
        }

        return cases;
    }
}
