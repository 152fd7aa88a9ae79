using System.Collections;

namespace VmSim.Core.Settings;

/// <summary>
/// Everything of one kind that can be named, such as all shootdown protocols. A new one is a line in the list that its kind's registry is
/// made of. Immutable.
/// </summary>
/// <remarks>
/// Every kind keeps the same contract: names are compared letter by letter, a name that is null is a mistake of the caller
/// (<see cref="ArgumentNullException"/>), <see cref="Find"/> answers null for a name that is not there, and <see cref="Require"/> refuses
/// it with what there is.
/// </remarks>
/// <typeparam name="T">The kind.</typeparam>
public sealed class Registry<T> : IReadOnlyList<T>
    where T : class, INamed
{
    private readonly T[] _items;
    private readonly PlugInRule<T>? _plugInRule;
    private readonly Dictionary<string, T> _byName = new(StringComparer.Ordinal);

    /// <summary>Makes a registry.</summary>
    /// <param name="what">What one of them is, for messages: "shootdown protocol".</param>
    /// <param name="items">All of them, in the order in which lists show them.</param>
    /// <param name="plugInRule">How classes of plug-ins join them; null if they cannot.</param>
    /// <exception cref="ArgumentException">Two have the same name.</exception>
    public Registry(string what, IEnumerable<T> items, PlugInRule<T>? plugInRule = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(what);
        ArgumentNullException.ThrowIfNull(items);
        What = what;
        _plugInRule = plugInRule;
        _items = [.. items];
        foreach (T item in _items)
        {
            if (!_byName.TryAdd(item.Name, item))
            {
                throw new ArgumentException($"there are two of the {what} \"{item.Name}\"", nameof(items));
            }
        }

        Names = [.. _items.Select(item => item.Name)];
    }

    /// <summary>What one of them is, for messages.</summary>
    public string What { get; }

    /// <summary>The names, in the order of the list.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <inheritdoc/>
    public int Count => _items.Length;

    /// <inheritdoc/>
    public T this[int index] => _items[index];

    /// <summary>The one with a name; null if there is none.</summary>
    public T? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>The one with a name, or one that is made of the class with this name.</summary>
    /// <param name="name">The name, or "Namespace.Type, Assembly" where plug-ins can join.</param>
    /// <param name="key">Who named it, for the message: a setting's key, an option, a column.</param>
    /// <param name="plugIns">Where classes are looked for first; null for the program itself alone.</param>
    /// <exception cref="ScenarioException">There is none; the message says what there is and what may have been meant.</exception>
    public T Require(string name, string key, PlugInSet? plugIns = null) =>
        Find(name) is { } found ? found
        : _plugInRule is { } rule
            && PlugInClass.IsClassName(name) ? rule.Make(PlugInClass.Find(name, key, What, rule.Base, plugIns ?? PlugInSet.None))
        : throw Missing(name, key);

    /// <summary>
    /// What a plug-in adds, each with the name by which scenarios name it; empty where plug-ins cannot join. Of a class that cannot be made
    /// the item is null and the flaw says why; else the flaw is empty.
    /// </summary>
    /// <param name="plugIn">The plug-in.</param>
    public IEnumerable<(string Name, T? Item, string Flaw)> Of(PlugIn plugIn)
    {
        ArgumentNullException.ThrowIfNull(plugIn);
        PlugInSet only = new([plugIn]);
        IEnumerable<Type> classes = _plugInRule is { } rule ? plugIn.Classes.Where(type => type.IsAssignableTo(rule.Base)) : [];
        return classes.Select(type => Try($"{type.FullName}, {plugIn.Name}"));

        (string, T?, string) Try(string name)
        {
            try
            {
                return (name, Require(name, plugIn.Name, only), "");
            }
            catch (ScenarioException reason)
            {
                return (name, null, reason.Message);
            }
        }
    }

    /// <summary>A registry with one more, or with another one under a known name.</summary>
    public Registry<T> With(T item)
    {
        ArgumentNullException.ThrowIfNull(item);
        int place = Array.FindIndex(_items, known => known.Name == item.Name);
        return new Registry<T>(
            What, place < 0 ? _items.Append(item) : _items.Select((known, index) => index == place ? item : known), _plugInRule);
    }

    /// <inheritdoc/>
    public IEnumerator<T> GetEnumerator() => ((IEnumerable<T>)_items).GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private ScenarioException Missing(string name, string key)
    {
        string hint = NearestName.Of(name, Names) is { } nearest ? $"; did you mean {nearest}?" : "";
        string classes = _plugInRule is null ? "" : ", or a class of a plug-in as \"Namespace.Type, Assembly\"";
        return new ScenarioException($"{key}: there is no {What} \"{name}\"; there are {string.Join(", ", Names)}{classes}{hint}");
    }
}
