using System.Reflection;

namespace VmSim.Core.Checkpoints;

/// <summary>What stands before an object in a checkpoint. The numbers are part of its format.</summary>
internal enum ReferenceKind : byte
{
    Null = 0,

    /// <summary>An object that the world has from its beginning: its number.</summary>
    Known = 1,

    /// <summary>An object that stands in the checkpoint before: its number.</summary>
    Again = 2,

    /// <summary>An object: its class, then what it holds.</summary>
    New = 3,

    /// <summary>The object that a static field holds for every run: the class, then the field's name.</summary>
    Shared = 4,
}

/// <summary>Writes objects and what they refer to, each once.</summary>
/// <param name="data">Where to.</param>
/// <param name="known">Objects that are not written, but named.</param>
internal sealed class StateWriter(BinaryWriter data, KnownObjects known)
{
    private readonly Dictionary<object, int> _written = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<Type, int> _types = [];

    public BinaryWriter Data => data;

    /// <summary>The field whose content is written.</summary>
    public FieldInfo? Field { get; set; }

    /// <summary>Writes a reference, and its object if it does not stand in the checkpoint yet.</summary>
    /// <exception cref="NotSupportedException">The object is not plain data.</exception>
    public void WriteReference(object? value)
    {
        if (value is null)
        {
            data.Write((byte)ReferenceKind.Null);
        }
        else if (known.NumberOf(value) is int number)
        {
            data.Write((byte)ReferenceKind.Known);
            data.Write7BitEncodedInt(number);
        }
        else if (_written.TryGetValue(value, out int before))
        {
            data.Write((byte)ReferenceKind.Again);
            data.Write7BitEncodedInt(before);
        }
        else if (SharedObjects.FieldOf(value) is { } field)
        {
            data.Write((byte)ReferenceKind.Shared);
            WriteType(field.DeclaringType!);
            data.Write(field.Name);
        }
        else
        {
            data.Write((byte)ReferenceKind.New);
            WriteType(value.GetType());
            _written.Add(value, _written.Count);
            ShapeOf(value.GetType()).Save(this, value);
        }
    }

    /// <summary>Writes what an object holds that both sides know.</summary>
    public void WriteKnown(object value) => ShapeOf(value.GetType()).Save(this, value);

    /// <summary>What to throw for a type that no checkpoint holds.</summary>
    public NotSupportedException CannotHold(Type type) =>
        new($"{Field?.DeclaringType}.{Field?.Name}: a checkpoint cannot hold a {type}; state is plain data");

    /// <summary>A collection must compare as one that is made anew does.</summary>
    public void RequireDefault(object comparer, object standard)
    {
        if (!ReferenceEquals(comparer, standard) && comparer.GetType() != standard.GetType())
        {
            throw CannotHold(comparer.GetType());
        }
    }

    private Shape ShapeOf(Type type) => Shape.TryFind(type) ?? throw CannotHold(type);

    private void WriteType(Type type)
    {
        bool isNew = _types.TryAdd(type, _types.Count);
        data.Write7BitEncodedInt(_types[type]);
        if (isNew)
        {
            data.Write(type.AssemblyQualifiedName!);
            data.Write(BuildOf(type));
        }
    }

    /// <summary>Which build a class is of: how its fields lie depends on it.</summary>
    internal static string BuildOf(Type type)
    {
        IEnumerable<Type> parts = type.HasElementType ? [type.GetElementType()!] : type.GetGenericArguments();
        return string.Join(' ', parts.Select(BuildOf).Prepend(type.Module.ModuleVersionId.ToString()));
    }
}
