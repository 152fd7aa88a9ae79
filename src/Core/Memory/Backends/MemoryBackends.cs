using VmSim.Core.Settings;

namespace VmSim.Core.Memory.Backends;

/// <summary>
/// Backends by the name that a mapping gives: those of this library, and any public class derived from <see cref="MemoryBackend"/> by
/// "Namespace.Type, Assembly". A new one is a class and a line here.
/// </summary>
public static class MemoryBackends
{
    /// <summary>Private anonymous memory that nothing else is said of.</summary>
    public const string Lazy = "lazy";

    /// <summary>Anonymous memory that is mapped at once.</summary>
    public const string Populate = "populate";

    /// <summary>Name of the backend of file mappings.</summary>
    public const string File = "file";

    /// <summary>A shared object without a file.</summary>
    public const string Shared = "shared";

    /// <summary>Physical memory at an offset from its virtual addresses.</summary>
    public const string Linear = "linear";

    /// <summary>Name of the backend of device memory: physical addresses at a fixed distance, uncacheable.</summary>
    public const string Device = "device";

    /// <summary>Name of the backend of guard areas: addresses without memory.</summary>
    public const string Guard = "guard";

    /// <summary>Every backend, in the order in which lists show them.</summary>
    public static Registry<BackendKind> All { get; } = new(
        "backend",
        [
            new(
                Device,
                "uncacheable memory at a physical address, mapped at once",
                request => new LinearBackend(request.Delta, isDevice: true)),
            new(
                File,
                "pages of a file, from the page cache",
                request => new FileBackend(request.Object!, request.Delta, isPrivate: !request.IsShared)) { NeedsObject = true },
            new(Guard, "nothing is ever mapped; every access is a segmentation fault", GuardBackend.Instance),
            new("huge-1g", "anonymous memory in pages of up to 1 GiB at the first touch", HugeBackend.UpTo1G),
            new("huge-2m", "anonymous memory in pages of up to 2 MiB at the first touch", HugeBackend.UpTo2M),
            new(Lazy, "anonymous memory, mapped page by page at the first touch", LazyBackend.Instance),
            new(Linear, "physical address = virtual address + offset, mapped at once", request => new LinearBackend(request.Offset)),
            new("mock", "for tests: refuses as scripted and logs every call", _ => new MockBackend()),
            new(Populate, "anonymous memory, mapped at once", PopulateBackend.Instance),
            new(
                Shared,
                "pages of an object that several mappings share, without a file",
                request => new SharedBackend(request.Object!, request.Delta)) { NeedsObject = true },
        ],
        new(typeof(MemoryBackend), BackendKind.Of));
}
