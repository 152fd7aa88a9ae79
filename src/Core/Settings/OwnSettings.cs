using System.Collections;
using System.Reflection;

namespace VmSim.Core.Settings;

/// <summary>
/// Settings that something brings along which another setting names, such as a shootdown protocol: its own public properties with a
/// <see cref="SettingAttribute"/>.
/// They stand in the block that is called as that setting with "-settings" behind it. Immutable; equal if they say the same.
/// </summary>
public sealed class OwnSettings : IReadOnlyList<KeyValuePair<string, string>>, IEquatable<OwnSettings>
{
    private readonly KeyValuePair<string, string>[] _values;

    /// <summary>Makes settings.</summary>
    /// <param name="values">Keys, with dots between those of blocks, and values as a scenario writes them.</param>
    public OwnSettings(IEnumerable<KeyValuePair<string, string>> values) => _values = [.. values];

    /// <summary>No settings.</summary>
    public static OwnSettings None { get; } = new([]);

    /// <inheritdoc/>
    public int Count => _values.Length;

    /// <inheritdoc/>
    public KeyValuePair<string, string> this[int index] => _values[index];

    /// <summary>All settings of an object, with the values that it has now.</summary>
    public static OwnSettings Of(object target)
    {
        ArgumentNullException.ThrowIfNull(target);
        return new OwnSettings(Read(target, ""));
    }

    /// <summary>An object with these settings; itself if there are none.</summary>
    /// <typeparam name="T">What it is.</typeparam>
    /// <param name="target">The object; it is not changed, its copy is.</param>
    /// <param name="path">What stands before their keys, for messages: "shootdown.protocol-settings.".</param>
    /// <param name="ghz">The clock that turns time into cycles.</param>
    /// <exception cref="ScenarioException">It has no such setting, or a value is not allowed.</exception>
    public T ApplyTo<T>(T target, string path, double ghz)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(target);
        if (_values.Length == 0)
        {
            return target;
        }

        T copy = (T)Copy(target);
        foreach ((string key, string value) in _values)
        {
            Set(copy, key, value, path + key, ghz);
        }

        return copy;
    }

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, string>> GetEnumerator() =>
        ((IEnumerable<KeyValuePair<string, string>>)_values).GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <inheritdoc/>
    public bool Equals(OwnSettings? other) => other is not null && _values.AsSpan().SequenceEqual(other._values);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as OwnSettings);

    /// <inheritdoc/>
    public override int GetHashCode() => _values.Length == 0 ? 0 : HashCode.Combine(_values.Length, _values[0]);

    /// <inheritdoc/>
    public override string ToString() => string.Join(", ", _values.Select(pair => $"{pair.Key} = {pair.Value}"));

    private static IEnumerable<KeyValuePair<string, string>> Read(object target, string prefix)
    {
        foreach (SettingMember member in SettingMember.Of(target.GetType()).Where(member => !member.IsOwn))
        {
            object? value = member.Property.GetValue(target);
            if (member.Setting is { } setting)
            {
                yield return new(prefix + member.Key, value as string ?? SettingValues.Format(value, setting));
            }
            else if (value is not null)
            {
                foreach (KeyValuePair<string, string> inner in Read(value, $"{prefix}{member.Key}."))
                {
                    yield return inner;
                }
            }
        }
    }

    private static void Set(object target, string key, string value, string where, double ghz)
    {
        int dot = key.IndexOf('.', StringComparison.Ordinal);
        string first = dot < 0 ? key : key[..dot];
        IReadOnlyList<SettingMember> members = [.. SettingMember.Of(target.GetType()).Where(member => !member.IsOwn)];
        SettingMember? found = members.FirstOrDefault(member => member.Key == first && member.Setting is null == dot >= 0);
        if (found is null)
        {
            throw SettingMember.Unknown(where, first, members);
        }

        if (found.Setting is not { } setting)
        {
            object inner = Copy(found.Property.GetValue(target)!);
            Set(inner, key[(dot + 1)..], value, where, ghz);
            found.Property.SetValue(target, inner);
            return;
        }

        Type type = found.Property.PropertyType;
        if (!SettingValues.TryParse(value, type, setting, ghz, out object? parsed))
        {
            throw new ScenarioException($"{where}: \"{value}\" found; allowed: {SettingValues.Allowed(type, setting)}");
        }

        try
        {
            found.Property.SetValue(target, parsed);
        }
        catch (TargetInvocationException refusal)
        {
            // A rule of the setting's own, such as a power of two.
            throw new ScenarioException($"{where}: \"{value}\" found; {refusal.InnerException!.Message}", refusal.InnerException);
        }
    }

    /// <summary>A copy field by field: what has settings is a record, or an object that changes no more once it is made.</summary>
    private static object Copy(object target) =>
        typeof(object).GetMethod(nameof(MemberwiseClone), BindingFlags.Instance | BindingFlags.NonPublic)!.Invoke(target, null)!;
}
