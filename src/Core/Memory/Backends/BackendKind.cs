using VmSim.Core.Settings;
using VmSim.Core.Statistics;

namespace VmSim.Core.Memory.Backends;

/// <summary>A backend by the name that a mapping, or a scenario for all its anonymous mappings, gives.</summary>
public sealed class BackendKind : INamed
{
    private readonly Func<BackendRequest, MemoryBackend>? _make;

    /// <summary>The class of the last backend that was made: its counters are looked at once.</summary>
    private Type? _known;

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
    /// <see cref="CountsAttribute{TCounters}"/>; one that makes backends says it here.
    /// </summary>
    public CounterSet? Counters { get; init; }

    /// <summary>The backend that serves every mapping; null if each gets one of its own.</summary>
    public MemoryBackend? Instance { get; }

    /// <summary>The backend of a mapping.</summary>
    /// <param name="request">The mapping.</param>
    /// <exception cref="ArgumentException">The backend cannot serve it, such as a file's without a file.</exception>
    /// <exception cref="InvalidOperationException">
    /// It counts something that <see cref="Counters"/> does not say, so that no report would have it.
    /// </exception>
    public MemoryBackend BackendOf(BackendRequest request)
    {
        if (Instance is { } instance)
        {
            return instance;
        }

        MemoryBackend made = _make!(request);
        if (made.GetType() != _known)
        {
            RequireCounters(made.GetType());
            _known = made.GetType();
        }

        return made;
    }

    /// <summary>A backend as a mapping without an object would get it, to ask for its settings.</summary>
    public MemoryBackend Sample => BackendOf(default);

    /// <summary>The kind whose backends have settings of their own.</summary>
    /// <param name="settings">The settings.</param>
    /// <param name="path">What stands before their keys, for messages.</param>
    /// <param name="ghz">The clock that turns time into cycles.</param>
    /// <exception cref="ScenarioException">The backend has no such setting, or a value is not allowed.</exception>
    public BackendKind With(OwnSettings settings, string path, double ghz)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return settings.Count == 0 ? this
            : Instance is { } instance ? new BackendKind(Name, Summary, settings.ApplyTo(instance, path, ghz)) { Counters = Counters }
            : new BackendKind(Name, Summary, request => settings.ApplyTo(_make!(request), path, ghz))
            {
                NeedsObject = NeedsObject,
                Counters = Counters,
            };
    }

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

    private void RequireCounters(Type backend)
    {
        if (CountsAttribute.Of(backend) is { } counted && counted.GetType() != Counters?.GetType())
        {
            throw new InvalidOperationException(
                $"{backend} counts {counted.GetType().Name}, and the backend kind \"{Name}\" does not say so; "
                    + $"give it Counters = new {counted.GetType().Name}()");
        }
    }
}
