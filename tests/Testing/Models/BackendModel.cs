using CsCheck;
using VmSim.Core.Memory;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Programs;

namespace VmSim.Testing.Models;

/// <summary>Where random operations play, and what runs short.</summary>
internal sealed record BackendModelSettings
{
    /// <summary>Bytes of the pool of frames.</summary>
    public required ulong PoolBytes { get; init; }

    public TransparentHugePages HugePages { get; init; } = TransparentHugePages.Never;

    /// <summary>Whether equal neighbours become one area.</summary>
    public bool Merges { get; init; } = true;

    /// <summary>References that a frame can have.</summary>
    public int MaxReferences { get; init; } = int.MaxValue;

    /// <summary>Pages for the tables of one space.</summary>
    public int TablePages { get; init; } = int.MaxValue;

    /// <summary>Whether operations play in some regions of 2 MiB, and not in some pages.</summary>
    public bool IsLarge { get; init; }

    /// <summary>Pages that the first mapping has besides.</summary>
    public ulong MorePages { get; init; }

    /// <summary>The backend that is tested, if it refuses what a script says.</summary>
    public MockBackend? Mock { get; init; }
}

/// <summary>Random operations of a backend against the naive model.</summary>
internal static class BackendModel
{
    private static readonly ProgramFile[] Files = [new("/a", 4096 * 50), new("/b", (4096 * 20) + 7), new("/dev/shm/x", 4096 * 45)];

    /// <summary>Random operations.</summary>
    public static Gen<ModelStep[]> Steps { get; } = Gen.Select(
        Gen.Int[0, 18], Gen.Int[0, 99], Gen.Int[0, 9999], Gen.Int[0, 9999], Gen.Int[0, 9999], Gen.Int[0, 9999],
        (kind, process, page, pages, choice, other) => new ModelStep(kind, process, page, pages, choice, other)).Array[5, 40];

    /// <summary>Does operations on several processes and on the model, and compares after each.</summary>
    public static void Run(ModelStep[] steps, BackendKind backend, BackendModelSettings settings)
    {
        VirtualMemoryOptions options = new()
        {
            TransparentHugePages = settings.HugePages,
            MergeAreas = settings.Merges,
            ZeroPage = steps.Length % 5 != 0,
            Backends = MemoryBackends.All.Find(backend.Name) is null ? MemoryBackends.All.With(backend) : MemoryBackends.All,
        };
        ModelWorld world = new(settings.PoolBytes, options, warm: steps.Length % 4 != 0, Files, settings.MaxReferences)
        {
            TablePagesMax = settings.TablePages,
            Window = ModelOperations.Window(settings.IsLarge, settings.MorePages),
        };
        ModelOperations operations = new(
            world, backend, settings.Mock, settings.IsLarge, ModelOperations.StartPages(settings.IsLarge) + settings.MorePages);
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
