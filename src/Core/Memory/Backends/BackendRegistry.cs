using System.Reflection;
using VmSim.Core.Addresses;

namespace VmSim.Core.Memory.Backends;

/// <summary>What a plug-in learns about the mapping that it is to serve.</summary>
/// <param name="Start">The mapping's first address.</param>
/// <param name="Offset">Byte offset in the object, or of the physical address, as the call gave it.</param>
/// <param name="Object">The file, if the call named one.</param>
public readonly record struct BackendRequest(Addresses.VirtAddr Start, ulong Offset, MemoryObject? Object);

/// <summary>
/// Backends by the name that a mapping gives: the standard ones, those registered by code, and any public class derived from
/// <see cref="MemoryBackend"/> in a loaded assembly, by "Namespace.Type, Assembly". Immutable.
/// </summary>
public sealed class BackendRegistry
{
    private readonly SortedDictionary<string, Func<BackendRequest, MemoryBackend>> _byName;

    private BackendRegistry(SortedDictionary<string, Func<BackendRequest, MemoryBackend>> byName) => _byName = byName;

    /// <summary>The backends of this library.</summary>
    public static BackendRegistry Standard { get; } = new(new SortedDictionary<string, Func<BackendRequest, MemoryBackend>>(StringComparer.Ordinal)
    {
        ["lazy"] = _ => LazyBackend.Instance,
        ["populate"] = _ => PopulateBackend.Instance,
        ["guard"] = _ => GuardBackend.Instance,
        ["linear"] = request => new LinearBackend(request.Offset),
        ["device"] = request => new LinearBackend(unchecked(request.Offset - request.Start.Value), isDevice: true),
        ["huge-2m"] = _ => HugeBackend.UpTo2M,
        ["huge-1g"] = _ => HugeBackend.UpTo1G,
        ["mock"] = _ => new MockBackend(),
    });

    /// <summary>The backends of this library, each with one sentence, in ordinal order.</summary>
    public static IReadOnlyList<(string Name, string Summary)> Summaries { get; } =
    [
        ("device", "uncacheable memory at a physical address, mapped at once"),
        ("guard", "nothing is ever mapped; every access is a segmentation fault"),
        ("huge-1g", "anonymous memory in pages of up to 1 GiB at the first touch"),
        ("huge-2m", "anonymous memory in pages of up to 2 MiB at the first touch"),
        ("lazy", "anonymous memory, mapped page by page at the first touch"),
        ("linear", "physical address = virtual address + offset, mapped at once"),
        ("mock", "for tests: refuses as scripted and logs every call"),
        ("populate", "anonymous memory, mapped at once"),
    ];

    /// <summary>The names known without a look at assemblies, in ordinal order.</summary>
    public IReadOnlyCollection<string> Names => _byName.Keys;

    /// <summary>A registry with one more backend, or with another one under a known name.</summary>
    public BackendRegistry With(string name, Func<BackendRequest, MemoryBackend> factory)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(factory);
        SortedDictionary<string, Func<BackendRequest, MemoryBackend>> copy = new(_byName, StringComparer.Ordinal) { [name] = factory };
        return new BackendRegistry(copy);
    }

    /// <summary>Makes the backend of a mapping.</summary>
    /// <param name="name">A registered name, or the assembly-qualified name of a class with a public constructor without parameters or
    /// with one <see cref="BackendRequest"/>.</param>
    /// <param name="request">The mapping.</param>
    /// <exception cref="ArgumentException">There is no such backend, or the class is not one.</exception>
    public MemoryBackend Create(string name, BackendRequest request)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return _byName.TryGetValue(name, out Func<BackendRequest, MemoryBackend>? factory) ? factory(request) : Instantiate(name, request);
    }

    private MemoryBackend Instantiate(string name, BackendRequest request)
    {
        Type type = Type.GetType(name)
            ?? throw new ArgumentException($"no backend '{name}': known are {string.Join(", ", Names)}, or name a class as 'Namespace.Type, Assembly'", nameof(name));
        if (type.IsAbstract || !type.IsAssignableTo(typeof(MemoryBackend)))
        {
            throw new ArgumentException($"'{name}' is not a backend: it does not derive from {typeof(MemoryBackend).FullName}", nameof(name));
        }

        if (type.GetConstructor([typeof(BackendRequest)]) is { } withRequest)
        {
            return (MemoryBackend)withRequest.Invoke([request]);
        }

        ConstructorInfo plain = type.GetConstructor([])
            ?? throw new ArgumentException($"'{name}' has no public constructor without parameters or with one {nameof(BackendRequest)}", nameof(name));
        return (MemoryBackend)plain.Invoke([]);
    }
}
