using System.Text;
using VmSim.Actors.Cluster;
using VmSim.Actors.Configuration;
using VmSim.Core.Traces.Import;
using VmSim.CoverageFuzz;
using VmSim.Testing;

namespace VmSim.Hostile.Tests.Readers;

/// <summary>
/// Fuzzing by coverage (tests/CoverageFuzz): no reader is forgotten, it begins behind the headers, and what it found stays mended.
/// </summary>
public sealed class FuzzTargetTests
{
    private static readonly string Found = Path.Combine(AppContext.BaseDirectory, "Data", "Found");

    public static TheoryData<string> Targets => [.. FuzzTargets.All.Keys];

    public static TheoryData<string, string> Findings
    {
        get
        {
            TheoryData<string, string> findings = [];
            foreach (string file in Directory.GetFiles(Found, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
            {
                findings.Add(Path.GetFileName(Path.GetDirectoryName(file))!, Path.GetFileName(file));
            }

            return findings;
        }
    }

    [Fact]
    public void EveryImporterAndEveryFormOfTraces_HasATarget()
    {
        string[] wanted =
            [.. TraceImporters.All.Names.Select(name => $"import-{name}"), .. TraceFiles.Endings.Select(ending => $"trace{ending}")];
        Assert.Equal([], wanted.Except(FuzzTargets.All.Keys));
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public void EveryTarget_BeginsWithInputsThatAreUsed(string name)
    {
        FuzzTarget target = FuzzTargets.All[name];
        bool[] used = [.. target.Seeds.Select(target.Take)];
        Assert.NotEmpty(used);
        Assert.True(used.Count(isUsed => isUsed) * 2 > used.Length, $"{used.Count(isUsed => !isUsed)} of {used.Length} are refused");
        Assert.NotEmpty(target.Refusals);
    }

    [Fact]
    public void Messages_OfEveryKind_AreAmongTheSeeds()
    {
        Type[] kinds =
            [.. typeof(NodeShardProtocol).GetNestedTypes().Concat(typeof(NodeProtocol).GetNestedTypes()).Where(type => type.IsClass)];
        IEnumerable<string> seeds = FuzzTargets.All["message"].Seeds.Select(seed => Encoding.UTF8.GetString(seed).Split('\n')[0]);
        Assert.Equal(kinds.Length, seeds.Distinct().Count());
    }

    [Theory]
    [MemberData(nameof(Findings))]
    public Task AnyFinding_IsUsedOrRefused(string target, string file) =>
        Task.Run(() => FuzzTargets.All[target].Take(File.ReadAllBytes(Path.Combine(Found, target, file)))).OrHangAsync();

    /// <summary>A finding says so: a reader that lets another exception out, and one that gives nonsense.</summary>
    [Fact]
    public void PlantedFault_IsAFinding()
    {
        Assert.Throws<InvalidOperationException>(() => new Planted(new InvalidOperationException("no")).Take([]));
        Assert.Throws<Finding>(() => new Planted(new InvalidDataException("")).Take([]));
        Assert.Throws<Finding>(() => new Planted(null).Take([1]));
        Assert.False(new Planted(new InvalidDataException("bad")).Take([]));
        Assert.True(new Planted(null).Take([]));
    }

    [Fact]
    public void Input_WithSettingsAndFiles_IsTakenApart()
    {
        FuzzInput parts = FuzzInput.Of("%%set a=1\n%%set b\nmain\n%%file x\nfirst\n%%file y"u8.ToArray());
        Assert.Equal([new("a", "1"), new("b", "")], parts.Settings);
        Assert.Equal("main\n"u8.ToArray(), parts.Main);
        Assert.Equal("first\n"u8.ToArray(), parts.Files["x"]);
        Assert.Equal([], parts.Files["y"]);
        Assert.Null(parts.OpenIfThere("z"));
    }

    private sealed class Planted(Exception? reason) : FuzzTarget("planted", typeof(InvalidDataException))
    {
        protected override void Read(byte[] input)
        {
            Same("what was read", [], input);
            if (reason is not null)
            {
                throw reason;
            }
        }
    }
}
