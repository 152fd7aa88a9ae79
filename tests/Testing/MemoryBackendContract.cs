using CsCheck;
using VmSim.Core.Memory;
using VmSim.Core.Memory.Backends;
using VmSim.Testing.Models;

namespace VmSim.Testing;

/// <summary>
/// What every backend of a simulated kernel must do: random mmap, munmap, mprotect, madvise, mremap, fork, exit, truncation and accesses of
/// several processes, beside a model that knows nothing of frames. After each operation areas, page tables, frames and counts agree, a
/// program reads what it wrote, and what was refused has changed nothing.
/// </summary>
public abstract class MemoryBackendContract : Contract<BackendKind>
{
    private const int SmallSequences = 150;
    private const int ShortSequences = 100;
    private const int LargeSequences = 10;
    private const ulong SmallPool = 4UL << 20;
    private const ulong LargePool = 64UL << 20;

    /// <summary>Memory of small pages.</summary>
    /// <param name="name">Its name.</param>
    [Theory]
    [Subjects]
    public void SmallPages_RandomOperations_AgreeWithANaiveModel(string name) => BackendModel.Steps.Sample(
        steps => BackendModel.Run(steps, Subject(name), new() { PoolBytes = SmallPool }), iter: SmallSequences);

    /// <summary>Beside memory that becomes huge by itself.</summary>
    /// <param name="name">Its name.</param>
    [Theory]
    [Subjects]
    public void HugePages_RandomOperations_AgreeWithANaiveModel(string name) => BackendModel.Steps.Sample(
        steps => BackendModel.Run(
            steps, Subject(name), new() { PoolBytes = LargePool, HugePages = TransparentHugePages.Always, IsLarge = true }),
        iter: LargeSequences);

    /// <summary>When references to frames and pages for tables run short.</summary>
    /// <param name="name">Its name.</param>
    [Theory]
    [Subjects]
    public void ShortOfReferencesAndTables_RandomOperations_RefuseWholly(string name) => BackendModel.Steps.Sample(
        steps => BackendModel.Run(
            steps,
            Subject(name),
            new()
            {
                PoolBytes = SmallPool,
                HugePages = TransparentHugePages.Always,
                MaxReferences = 3,
                TablePages = 5 + (steps.Length % 3),
            }),
        iter: ShortSequences);
}
