using CsCheck;
using VmSim.Core.Memory;
using VmSim.Core.Memory.Backends;
using VmSim.Testing;
using VmSim.Testing.Models;

namespace VmSim.Core.Tests.Memory;

/// <summary>
/// The contract of every backend that can be named in a scenario; besides, small pools, refusals of scripted backends, and many more
/// operations.
/// </summary>
public sealed class MemoryBackendTests : MemoryBackendContract
{
    private const int SmallSequences = 150;
    private const int ShortSequences = 100;
    private const int LargeSequences = 10;
    private const int LongFactor = 20;
    private const int GigabyteSequences = 2;
    private const ulong GigabytePages = 1UL << 18;
    private const string Mock = "mock";

    /// <summary>Backends that run short of frames in a small pool.</summary>
    public static TheoryData<string, ulong, TransparentHugePages, bool> SmallWorlds => new()
    {
        { MemoryBackends.Lazy, 1UL << 20, TransparentHugePages.Never, false },
        { MemoryBackends.Populate, 1UL << 20, TransparentHugePages.Never, true },
        { Mock, 1UL << 20, TransparentHugePages.Never, false },
    };

    /// <summary>Backends that run short of large pages in a small pool.</summary>
    public static TheoryData<string, ulong, TransparentHugePages, bool> LargeWorlds => new()
    {
        { MemoryBackends.Lazy, 7UL << 20, TransparentHugePages.Madvise, false },
        { "huge-2m", 64UL << 20, TransparentHugePages.Never, true },
        { "huge-2m", 9UL << 20, TransparentHugePages.Never, true },
        { Mock, 12UL << 20, TransparentHugePages.Always, true },
    };

    /// <summary>The small worlds, and every backend once.</summary>
    public static TheoryData<string, ulong, TransparentHugePages, bool> AllSmallWorlds =>
        WithEveryBackend(SmallWorlds, 4UL << 20, TransparentHugePages.Never);

    /// <summary>The large worlds, and every backend once.</summary>
    public static TheoryData<string, ulong, TransparentHugePages, bool> AllLargeWorlds =>
        WithEveryBackend(LargeWorlds, 64UL << 20, TransparentHugePages.Always);

    /// <inheritdoc/>
    protected override IEnumerable<BackendKind> Subjects => MemoryBackends.All;

    [Theory]
    [MemberData(nameof(SmallWorlds))]
    public void SmallPool_RandomOperations_AgreeWithANaiveModel(string backend, ulong poolBytes, TransparentHugePages huge, bool merge) =>
        Sample(SmallSequences, backend, new() { PoolBytes = poolBytes, HugePages = huge, Merges = merge });

    [Theory]
    [MemberData(nameof(LargeWorlds))]
    public void LargePool_RandomOperations_AgreeWithANaiveModel(string backend, ulong poolBytes, TransparentHugePages huge, bool merge) =>
        Sample(LargeSequences, backend, new() { PoolBytes = poolBytes, HugePages = huge, Merges = merge, IsLarge = true });

    [Theory]
    [Trait("Category", "Long")]
    [MemberData(nameof(AllSmallWorlds))]
    public void SmallPages_ManyRandomOperations_AgreeWithANaiveModel(
        string backend, ulong poolBytes, TransparentHugePages huge, bool merge) =>
        Sample(LongFactor * SmallSequences, backend, new() { PoolBytes = poolBytes, HugePages = huge, Merges = merge });

    [Theory]
    [Trait("Category", "Long")]
    [MemberData(nameof(AllLargeWorlds))]
    public void HugePages_ManyRandomOperations_AgreeWithANaiveModel(
        string backend, ulong poolBytes, TransparentHugePages huge, bool merge) =>
        Sample(LongFactor * LargeSequences, backend, new() { PoolBytes = poolBytes, HugePages = huge, Merges = merge, IsLarge = true });

    /// <summary>
    /// A mapping that a page of 1 GiB fits into. The model has an entry for each of its pages, so there are few sequences.
    /// </summary>
    [Fact]
    public void GigabytePages_RandomOperations_AgreeWithANaiveModel() =>
        Sample(GigabyteSequences, "huge-1g", new() { PoolBytes = 3UL << 30, IsLarge = true, MorePages = GigabytePages });

    [Theory]
    [InlineData("lazy", 3, int.MaxValue, false)]
    [InlineData("lazy", int.MaxValue, 5, false)]
    [InlineData("lazy", 3, 7, true)]
    [InlineData("huge-2m", 3, 7, true)]
    public void Backend_ShortOfReferencesOrTables_RefusesWholly(string backend, int maxReferences, int tables, bool isLarge) =>
        Sample(
            isLarge ? LargeSequences : ShortSequences,
            backend,
            new()
            {
                PoolBytes = isLarge ? 32UL << 20 : 4UL << 20,
                HugePages = TransparentHugePages.Always,
                MaxReferences = maxReferences,
                TablePages = tables,
                IsLarge = isLarge,
            });

    private static TheoryData<string, ulong, TransparentHugePages, bool> WithEveryBackend(
        TheoryData<string, ulong, TransparentHugePages, bool> worlds, ulong poolBytes, TransparentHugePages huge)
    {
        foreach (string backend in MemoryBackends.All.Names)
        {
            worlds.Add(backend, poolBytes, huge, true);
        }

        return worlds;
    }

    private static void Sample(int sequences, string backend, BackendModelSettings settings) => BackendModel.Steps.Sample(
        steps =>
        {
            MockBackend? mock = backend == Mock ? new MockBackend() : null;
            BackendKind kind = mock is null ? MemoryBackends.All.Require(backend, "backend") : new BackendKind(Mock, "scripted", mock);
            BackendModel.Run(steps, kind, settings with { Mock = mock });
        },
        iter: sequences);
}
