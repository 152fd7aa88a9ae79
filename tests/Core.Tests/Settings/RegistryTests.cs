using VmSim.Core.Memory.Backends;
using VmSim.Core.Mmu;
using VmSim.Core.Paging;
using VmSim.Core.Settings;
using VmSim.Core.Shootdown;
using VmSim.Core.Traces.Import;
using VmSim.Core.Workloads;
using VmSim.Core.Workloads.Patterns;
using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Core.Tests.Settings;

/// <summary>The one contract of everything that can be named.</summary>
public sealed class RegistryTests
{
    private static readonly Registry<ReplacementPolicy> Policies = ReplacementPolicies.All;

    /// <summary>Every registry of the library, as its names, summaries, and what it says of a name.</summary>
    private static readonly (IReadOnlyList<INamed> Items, Func<string, object?> Find, Action<string> Require)[] All =
    [
        Of(ShootdownProtocols.All), Of(PageTableFormats.All), Of(ProgramKinds.All), Of(TraceImporters.All), Of(AddressStreams.All),
            Of(PagePatterns.All), Of(Policies), Of(MemoryBackends.All),
    ];

    [Fact]
    public void Names_OfEveryRegistry_AreKebabCaseWithASummary()
    {
        foreach (INamed item in All.SelectMany(registry => registry.Items))
        {
            Assert.Matches("^[a-z0-9]+(-[a-z0-9]+)*$", item.Name);
            Assert.NotEmpty(item.Summary);
            Assert.DoesNotContain('\n', item.Summary);
        }
    }

    [Fact]
    public void Find_InEveryRegistry_KnowsItsNamesLetterByLetter()
    {
        foreach ((IReadOnlyList<INamed> items, Func<string, object?> find, Action<string> require) in All)
        {
            Assert.All(items, item => Assert.Same(item, find(item.Name)));
            Assert.Null(find(items[0].Name.ToUpperInvariant()));
            Assert.Null(find(""));
            Assert.Throws<ArgumentNullException>(() => find(null!));
            Assert.Throws<ArgumentNullException>(() => require(null!));
        }
    }

    [Fact]
    public void Require_OfANameThatIsNotThere_SaysWhatThereIsInEveryRegistry()
    {
        foreach ((IReadOnlyList<INamed> items, Func<string, object?> _, Action<string> require) in All)
        {
            ScenarioException error = Assert.Throws<ScenarioException>(() => require(items[^1].Name + "x"));
            Assert.StartsWith("here: there is no ", error.Message, StringComparison.Ordinal);
            Assert.All(items, item => Assert.Contains(item.Name, error.Message, StringComparison.Ordinal));
            Assert.EndsWith($"; did you mean {items[^1].Name}?", error.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("zzzzzzzz", "key: there is no replacement policy \"zzzzzzzz\"; there are lru, plru, fifo, random")]
    [InlineData("LRU", "key: there is no replacement policy \"LRU\"; there are lru, plru, fifo, random; did you mean lru?")]
    [InlineData("lfu", "key: there is no replacement policy \"lfu\"; there are lru, plru, fifo, random; did you mean lru?")]
    public void Require_OfANameThatIsNotThere_NamesTheNearest(string name, string expected) =>
        Assert.Equal(expected, Assert.Throws<ScenarioException>(() => Policies.Require(name, "key")).Message);

    [Fact]
    public void With_AKnownName_TakesItsPlaceInACopy()
    {
        ReplacementPolicy other = new("fifo", "another one");
        Registry<ReplacementPolicy> changed = Policies.With(other).With(new ReplacementPolicy("clock", "a hand"));
        Assert.Equal([.. Policies.Names, "clock"], changed.Names);
        Assert.Same(other, changed.Require("fifo", "key"));
        Assert.NotSame(other, Policies.Find("fifo"));
    }

    [Fact]
    public void Registry_OfTwoWithOneName_IsRefused()
    {
        ReplacementPolicy one = new("one", "the first");
        Assert.Throws<ArgumentException>(() => new Registry<ReplacementPolicy>("policy", [one, one]));
    }

    private static (IReadOnlyList<INamed>, Func<string, object?>, Action<string>) Of<T>(Registry<T> registry)
        where T : class, INamed =>
        ([.. registry], registry.Find, name => registry.Require(name, "here"));
}
