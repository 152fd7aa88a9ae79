using CsCheck;
using VmSim.Core.Kernel;
using VmSim.Core.Mapping.Backends;
using VmSim.Core.Workloads;

namespace VmSim.Core.Tests.Kernel;

/// <summary>
/// The contract of every backend: random operations on several processes against the naive model, with refusals injected by scripted
/// backends, small pools, few references and few table pages. After every operation areas, tables, frames and counts agree.
/// </summary>
public sealed class BackendContractTests
{
    private const int Sequences = 120;

    private static readonly ProgramFile[] Files = [new("/a", 4096 * 50), new("/b", (4096 * 20) + 7), new("/dev/shm/x", 4096 * 45)];

    private static readonly Gen<ModelStep[]> Steps = Gen.Select(
        Gen.Int[0, 18], Gen.Int[0, 99], Gen.Int[0, 9999], Gen.Int[0, 9999], Gen.Int[0, 9999], Gen.Int[0, 9999],
        (kind, process, page, pages, choice, other) => new ModelStep(kind, process, page, pages, choice, other)).Array[5, 60];

    public static TheoryData<string, ulong, TransparentHugePages, bool> Worlds => new()
    {
        { "lazy", 64UL << 20, TransparentHugePages.Never, true },
        { "lazy", 3UL << 20, TransparentHugePages.Never, false },
        { "lazy", 64UL << 20, TransparentHugePages.Always, true },
        { "lazy", 7UL << 20, TransparentHugePages.Madvise, true },
        { "populate", 12UL << 20, TransparentHugePages.Never, true },
        { "guard", 64UL << 20, TransparentHugePages.Never, true },
        { "huge-2m", 64UL << 20, TransparentHugePages.Never, true },
        { "huge-2m", 9UL << 20, TransparentHugePages.Never, true },
        { "mock", 64UL << 20, TransparentHugePages.Always, true },
        { "mock", 5UL << 20, TransparentHugePages.Never, false },
    };

    [Theory]
    [MemberData(nameof(Worlds))]
    public void Backend_RandomOperations_AgreeWithANaiveModel(string backend, ulong poolBytes, TransparentHugePages huge, bool merge) =>
        Steps.Sample(steps => RunAll(steps, backend, poolBytes, huge, merge, maxReferences: int.MaxValue, tables: int.MaxValue), iter: Sequences);

    [Theory]
    [InlineData("lazy", 3, int.MaxValue)]
    [InlineData("lazy", int.MaxValue, 6)]
    [InlineData("huge-2m", 3, 7)]
    [InlineData("mock", 3, 7)]
    public void Backend_ShortOfReferencesOrTables_RefusesWholly(string backend, int maxReferences, int tables) =>
        Steps.Sample(steps => RunAll(steps, backend, 32UL << 20, TransparentHugePages.Always, merge: true, maxReferences, tables), iter: Sequences);

    private static void RunAll(ModelStep[] steps, string backend, ulong poolBytes, TransparentHugePages huge, bool merge, int maxReferences, int tables)
    {
        MockBackend? mock = backend == "mock" ? new MockBackend() : null;
        VirtualMemoryOptions options = new()
        {
            TransparentHugePages = huge,
            MergeAreas = merge,
            ZeroPage = steps.Length % 5 != 0,
            Backends = mock is null ? BackendRegistry.Standard : BackendRegistry.Standard.With("mock", _ => mock),
        };
        ModelWorld world = new(poolBytes, options, warm: steps.Length % 4 != 0, Files, maxReferences) { TablePagesMax = tables };
        ModelOperations operations = new(world, backend, mock);
        try
        {
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
