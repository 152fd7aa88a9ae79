using System.Reflection;

namespace VmSim.Core.Checkpoints;

/// <summary>Reads what <see cref="StateWriter"/> wrote.</summary>
/// <param name="data">Where from.</param>
/// <param name="known">The objects that are named in it, of the world that is restored.</param>
internal sealed class StateReader(BinaryReader data, KnownObjects known)
{
    private readonly List<object> _read = [];
    private readonly List<Type> _types = [];

    public BinaryReader Data => data;

    /// <summary>The objects that are named in it.</summary>
    public KnownObjects Known => known;

    /// <summary>Reads a reference, and its object if it stands here.</summary>
    /// <param name="type">What it must be.</param>
    public object? ReadReference(Type type)
    {
        object? value = (ReferenceKind)data.ReadByte() switch
        {
            ReferenceKind.Null => null,
            ReferenceKind.Known => known[data.Read7BitEncodedInt()],
            ReferenceKind.Again => Before(data.Read7BitEncodedInt()),
            ReferenceKind.New => ReadNew(),
            ReferenceKind.Shared => SharedObjects.Read(ReadType(), data.ReadString()),
            ReferenceKind other =>
                throw new InvalidDataException($"the checkpoint has a reference of kind {(byte)other}, which is unknown"),
        };
        return value is null || type.IsInstanceOfType(value)
            ? value
            : throw new InvalidDataException($"the checkpoint has a {value.GetType()} where a {type} belongs");
    }

    /// <summary>Reads what an object holds that both sides know.</summary>
    public void ReadKnown(object value) => ShapeOf(value.GetType()).Fill(this, value);

    /// <summary>Reads a number of items.</summary>
    public int ReadCount()
    {
        int count = data.ReadInt32();
        return count >= 0 && count <= data.BaseStream.Length
            ? count
            : throw new InvalidDataException($"the checkpoint has a length of {count}");
    }

    private object Before(int number) =>
        (uint)number < (uint)_read.Count
            ? _read[number]
            : throw new InvalidDataException($"the checkpoint names its object {number} before it has it");

    private object ReadNew()
    {
        Shape shape = ShapeOf(ReadType());
        int number = _read.Count;
        _read.Add(this);
        object value = shape.Make(this);
        _read[number] = value;
        shape.Fill(this, value);
        return value;
    }

    private static Shape ShapeOf(Type type) =>
        Shape.TryFind(type) ?? throw new InvalidDataException($"the checkpoint has a {type}, which is no state");

    private Type ReadType()
    {
        int number = data.Read7BitEncodedInt();
        if (number == _types.Count)
        {
            _types.Add(FindType(data.ReadString(), data.ReadString()));
        }

        return (uint)number < (uint)_types.Count
            ? _types[number]
            : throw new InvalidDataException($"the checkpoint names class {number} before it says which that is");
    }

    private Type FindType(string name, string build)
    {
        try
        {
            // The classes of plug-ins are where the runtime does not look by itself.
            Type type = Type.GetType(
                name,
                assembly => known.PlugIns.Find(assembly.Name ?? "")?.Assembly ?? Assembly.Load(assembly),
                typeResolver: null,
                throwOnError: true)!;
            return StateWriter.BuildOf(type) == build
                ? type
                : throw new InvalidDataException($"the checkpoint is of another build of {type}");
        }
        catch (Exception error) when (error is TypeLoadException or IOException or ArgumentException or BadImageFormatException)
        {
            throw new InvalidDataException($"the checkpoint has a class that is not here: {name}", error);
        }
    }
}
