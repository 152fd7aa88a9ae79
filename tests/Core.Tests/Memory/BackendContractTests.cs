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
    private const int SmallSequences = 300;
    private const int LargeSequences = 20;
    private const int LongFactor = 10;

    private static readonly ProgramFile[] Files = [new("/a", 4096 * 50), new("/b", (4096 * 20) + 7), new("/dev/shm/x", 4096 * 45)];

    private static readonly Gen<ModelStep[]> Steps = Gen.Select(
        Gen.Int[0, 18], Gen.Int[0, 99], Gen.Int[0, 9999], Gen.Int[0, 9999], Gen.Int[0, 9999], Gen.Int[0, 9999],
        (kind, process, page, pages, choice, other) => new ModelStep(kind, process, page, pages, choice, other)).Array[5, 40];

    public static TheoryData<string, ulong, TransparentHugePages, bool> SmallWorlds => new()
    {
        { "lazy", 4UL << 20, TransparentHugePages.Never, true },
        { "lazy", 1UL << 20, TransparentHugePages.Never, false },
        { "populate", 1UL << 20, TransparentHugePages.Never, true },
        { "guard", 4UL << 20, TransparentHugePages.Never, true },
        { "mock", 4UL << 20, TransparentHugePages.Never, true },
        { "mock", 1UL << 20, TransparentHugePages.Never, false },
    };

    public static TheoryData<string, ulong, TransparentHugePages, bool> LargeWorlds => new()
    {
        { "lazy", 64UL << 20, TransparentHugePages.Always, true },
        { "lazy", 7UL << 20, TransparentHugePages.Madvise, false },
        { "huge-2m", 64UL << 20, TransparentHugePages.Never, true },
        { "huge-2m", 9UL << 20, TransparentHugePages.Never, true },
        { "mock", 12UL << 20, TransparentHugePages.Always, true },
    };

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
    public void SmallPages_ManyRandomOperations_AgreeWithANaiveModel(string backend, ulong poolBytes, TransparentHugePages huge, bool merge) =>
        Sample(LongFactor * SmallSequences, backend, poolBytes, huge, merge, isLarge: false);

    [Theory]
    [Trait("Category", "Long")]
    [MemberData(nameof(LargeWorlds))]
    public void HugePages_ManyRandomOperations_AgreeWithANaiveModel(string backend, ulong poolBytes, TransparentHugePages huge, bool merge) =>
        Sample(LongFactor * LargeSequences, backend, poolBytes, huge, merge, isLarge: true);

    [Theory]
    [InlineData("lazy", 3, int.MaxValue, false)]
    [InlineData("lazy", int.MaxValue, 5, false)]
    [InlineData("mock", 3, 5, false)]
    [InlineData("lazy", 3, 7, true)]
    [InlineData("huge-2m", 3, 7, true)]
    public void Backend_ShortOfReferencesOrTables_RefusesWholly(string backend, int maxReferences, int tables, bool isLarge) =>
        Steps.Sample(
            steps => RunAll(steps, backend, isLarge ? 32UL << 20 : 4UL << 20, TransparentHugePages.Always, merge: true, maxReferences, tables, isLarge),
            iter: isLarge ? LargeSequences : SmallSequences);

    private static void Sample(int sequences, string backend, ulong poolBytes, TransparentHugePages huge, bool merge, bool isLarge) =>
        Steps.Sample(steps => RunAll(steps, backend, poolBytes, huge, merge, int.MaxValue, int.MaxValue, isLarge), iter: sequences);

    private static void RunAll(
        ModelStep[] steps, string backend, ulong poolBytes, TransparentHugePages huge, bool merge, int maxReferences, int tables, bool isLarge)
    {
        MockBackend? mock = backend == "mock" ? new MockBackend() : null;
        VirtualMemoryOptions options = new()
        {
            TransparentHugePages = huge,
            MergeAreas = merge,
            ZeroPage = steps.Length % 5 != 0,
            Backends = mock is null ? MemoryBackends.All : MemoryBackends.All.With(new("mock", "scripted", mock)),
        };
        ModelWorld world = new(poolBytes, options, warm: steps.Length % 4 != 0, Files, maxReferences) { TablePagesMax = tables, Window = ModelOperations.Window(isLarge) };
        ModelOperations operations = new(world, backend, mock, isLarge);
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
