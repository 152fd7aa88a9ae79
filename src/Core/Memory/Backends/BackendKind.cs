using VmSim.Core.Settings;
using VmSim.Core.Statistics;

namespace VmSim.Core.Memory.Backends;

/// <summary>A backend by the name that a mapping, or a scenario for all its anonymous mappings, gives.</summary>
public sealed class BackendKind : INamed
{
    private readonly Func<BackendRequest, MemoryBackend>? _make;

    /// <summary>Makes a kind of which each mapping gets a backend of its own.</summary>
    /// <param name="name">The name.</param>
    /// <param name="summary">One sentence that says what it does.</param>
    /// <param name="make">Makes the backend of a mapping.</param>
    public BackendKind(string name, string summary, Func<BackendRequest, MemoryBackend> make)
        : this(name, summary) => _make = make ?? throw new ArgumentNullException(nameof(make));

    /// <summary>Makes a kind whose one backend serves every mapping, so that neighbours can become one area.</summary>
    /// <param name="name">The name.</param>
    /// <param name="summary">One sentence that says what it does.</param>
    /// <param name="instance">The backend.</param>
    public BackendKind(string name, string summary, MemoryBackend instance)
        : this(name, summary)
    {
        Instance = instance ?? throw new ArgumentNullException(nameof(instance));
        Counters = CountsAttribute.Of(instance.GetType());
    }

    private BackendKind(string name, string summary)
    {
        Name = name;
        Summary = summary;
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public string Summary { get; }

    /// <summary>Whether it maps a file or shared object, so that it cannot serve memory without one.</summary>
    public bool NeedsObject { get; init; }

    /// <summary>
    /// What its backends count for each address space, all 0; null for nothing. A kind with one backend takes it from the backend's
    /// <see cref="CountsAttribute{TCounters}"/>.
    /// </summary>
    public CounterSet? Counters { get; init; }

    /// <summary>The backend that serves every mapping; null if each gets one of its own.</summary>
    public MemoryBackend? Instance { get; }

    /// <summary>The backend of a mapping.</summary>
    /// <param name="request">The mapping.</param>
    /// <exception cref="ArgumentException">The backend cannot serve it, such as a file's without a file.</exception>
    public MemoryBackend BackendOf(BackendRequest request) => Instance ?? _make!(request);

    /// <summary>
    /// The kind of a plug-in's class. With a public static property <c>Instance</c> it is this one backend. With a public constructor that
    /// takes a <see cref="BackendRequest"/> it is one a mapping, and with one without parameters a single one.
    /// </summary>
    /// <exception cref="ScenarioException">It has none of these, or making it fails.</exception>
    internal static BackendKind Of(PlugInClass found)
    {
        if (found.Type.GetProperty(nameof(Instance))?.GetMethod is { IsStatic: true } getter
            && getter.ReturnType.IsAssignableTo(typeof(MemoryBackend)))
        {
            return Single((MemoryBackend)found.Call(getter));
        }

        return found.HasConstructor(typeof(BackendRequest))
            ? new BackendKind(found.Name, found.Type.Name, request => (MemoryBackend)found.Create(request))
            {
                Counters = CountsAttribute.Of(found.Type),
            }
            : Single((MemoryBackend)found.Create());

        BackendKind Single(MemoryBackend backend) => new(found.Name, backend.Summary, backend);
    }
}
