using CsCheck;
using VmSim.Core.Memory;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Programs;

namespace VmSim.Core.Tests.Memory;

/// <summary>
/// The contract of every backend: random operations on several processes against the naive model, with refusals injected by scripted
/// backends, small pools, few references and few table pages. After every operation areas, tables, frames and counts agree.
/// </summary>
public sealed class BackendContractTests
{
    private const int SmallSequences = 150;
    private const int ShortSequences = 100;
    private const int LargeSequences = 10;
    private const int LongFactor = 20;
    private const int GigabyteSequences = 2;
    private const ulong GigabytePages = 1UL << 18;

    private static readonly ProgramFile[] Files = [new("/a", 4096 * 50), new("/b", (4096 * 20) + 7), new("/dev/shm/x", 4096 * 45)];

    private static readonly Gen<ModelStep[]> Steps = Gen.Select(
        Gen.Int[0, 18], Gen.Int[0, 99], Gen.Int[0, 9999], Gen.Int[0, 9999], Gen.Int[0, 9999], Gen.Int[0, 9999],
        (kind, process, page, pages, choice, other) => new ModelStep(kind, process, page, pages, choice, other)).Array[5, 40];

    /// <summary>Every backend once, and those that run short of frames in a small pool.</summary>
    public static TheoryData<string, ulong, TransparentHugePages, bool> SmallWorlds =>
        EveryBackend(4UL << 20, TransparentHugePages.Never, new()
    {
        { MemoryBackends.Lazy, 1UL << 20, TransparentHugePages.Never, false },
        { MemoryBackends.Populate, 1UL << 20, TransparentHugePages.Never, true },
        { "mock", 1UL << 20, TransparentHugePages.Never, false },
    });

    /// <summary>
    /// Every backend once beside memory that becomes huge by itself, and those that run short of large pages in a small pool.
    /// </summary>
    public static TheoryData<string, ulong, TransparentHugePages, bool> LargeWorlds =>
        EveryBackend(64UL << 20, TransparentHugePages.Always, new()
    {
        { MemoryBackends.Lazy, 7UL << 20, TransparentHugePages.Madvise, false },
        { "huge-2m", 64UL << 20, TransparentHugePages.Never, true },
        { "huge-2m", 9UL << 20, TransparentHugePages.Never, true },
        { "mock", 12UL << 20, TransparentHugePages.Always, true },
    });

    public static TheoryData<string> Names => [.. MemoryBackends.All.Names];

    [Theory]
    [MemberData(nameof(SmallWorlds))]
    public void SmallPages_RandomOperations_AgreeWithANaiveModel(string backend, ulong poolBytes, TransparentHugePages huge, bool merge) =>
        Sample(SmallSequences, backend, poolBytes, huge, merge, isLarge: false);

    [Theory]
    [MemberData(nameof(LargeWorlds))]
    public void HugePages_RandomOperations_AgreeWithANaiveModel(string backend, ulong poolBytes, TransparentHugePages huge, bool merge) =>
        Sample(LargeSequences, backend, poolBytes, huge, merge, isLarge: true);

    [Theory]
    [Trait("Category", "Long")]
    [MemberData(nameof(SmallWorlds))]
    public void SmallPages_ManyRandomOperations_AgreeWithANaiveModel(
        string backend, ulong poolBytes, TransparentHugePages huge, bool merge) =>
        Sample(LongFactor * SmallSequences, backend, poolBytes, huge, merge, isLarge: false);

    [Theory]
    [Trait("Category", "Long")]
    [MemberData(nameof(LargeWorlds))]
    public void HugePages_ManyRandomOperations_AgreeWithANaiveModel(
        string backend, ulong poolBytes, TransparentHugePages huge, bool merge) =>
        Sample(LongFactor * LargeSequences, backend, poolBytes, huge, merge, isLarge: true);

    /// <summary>
    /// A mapping that a page of 1 GiB fits into. The model has an entry for each of its pages, so there are few sequences.
    /// </summary>
    [Fact]
    public void GigabytePages_RandomOperations_AgreeWithANaiveModel() => Steps.Sample(
        steps =>
            RunAll(
                steps,
                "huge-1g",
                3UL << 30,
                TransparentHugePages.Never,
                merge: true,
                int.MaxValue,
                int.MaxValue,
                isLarge: true,
                GigabytePages),
        iter: GigabyteSequences);

    [Theory]
    [MemberData(nameof(Names))]
    public void Backend_ShortOfReferencesAndTables_RefusesWholly(string backend) => Steps.Sample(
        steps =>
            RunAll(
                steps,
                backend,
                4UL << 20,
                TransparentHugePages.Always,
                merge: true,
                3,
                5 + (steps.Length % 3),
                isLarge: false), iter: ShortSequences);

    [Theory]
    [InlineData("lazy", 3, int.MaxValue, false)]
    [InlineData("lazy", int.MaxValue, 5, false)]
    [InlineData("lazy", 3, 7, true)]
    [InlineData("huge-2m", 3, 7, true)]
    public void Backend_ShortOfReferencesOrTables_RefusesWholly(string backend, int maxReferences, int tables, bool isLarge) =>
        Steps.Sample(
            steps =>
                RunAll(
                    steps,
                    backend,
                    isLarge ? 32UL << 20 : 4UL << 20,
                    TransparentHugePages.Always,
                    merge: true,
                    maxReferences,
                    tables,
                    isLarge),
            iter: isLarge ? LargeSequences : ShortSequences);

    private static TheoryData<string, ulong, TransparentHugePages, bool> EveryBackend(
        ulong poolBytes, TransparentHugePages huge, TheoryData<string, ulong, TransparentHugePages, bool> worlds)
    {
        foreach (string backend in MemoryBackends.All.Names)
        {
            worlds.Add(backend, poolBytes, huge, true);
        }

        return worlds;
    }

    private static void Sample(int sequences, string backend, ulong poolBytes, TransparentHugePages huge, bool merge, bool isLarge) =>
        Steps.Sample(steps => RunAll(steps, backend, poolBytes, huge, merge, int.MaxValue, int.MaxValue, isLarge), iter: sequences);

    private static void RunAll(
        ModelStep[] steps,
        string backend,
        ulong poolBytes,
        TransparentHugePages huge,
        bool merge,
        int maxReferences,
        int tables,
        bool isLarge,
        ulong morePages = 0)
    {
        MockBackend? mock = backend == "mock" ? new MockBackend() : null;
        VirtualMemoryOptions options = new()
        {
            TransparentHugePages = huge,
            MergeAreas = merge,
            ZeroPage = steps.Length % 5 != 0,
            Backends = mock is null ? MemoryBackends.All : MemoryBackends.All.With(new("mock", "scripted", mock)),
        };
        ModelWorld world = new(
            poolBytes,
            options,
            warm: steps.Length % 4 != 0,
            Files,
            maxReferences)
        { TablePagesMax = tables, Window = ModelOperations.Window(isLarge, morePages) };
        ModelOperations operations = new(
            world, options.Backends.Require(backend, "backend"), mock, isLarge, ModelOperations.StartPages(isLarge) + morePages);
        try
        {
            operations.Begin();
            foreach (ModelStep step in steps)
            {
                operations.Run(step);
                world.CheckInvariants();
            }

            world.EndAll();
        }
        finally
        {
            world.Tables.ForEach(table => table.Dispose());
        }
    }
}
