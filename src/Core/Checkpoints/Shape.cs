using System.Collections.Concurrent;
using VmSim.Core.Paging;
using VmSim.Core.State;

namespace VmSim.Core.Checkpoints;

/// <summary>How objects of one class are written and read.</summary>
internal abstract class Shape
{
    private static readonly ConcurrentDictionary<Type, Shape?> Known = new();

    /// <summary>Writes what an object holds.</summary>
    public abstract void Save(StateWriter writer, object value);

    /// <summary>Makes an object that <see cref="Fill"/> gives its content: others may refer to it before that.</summary>
    public abstract object Make(StateReader reader);

    /// <summary>Reads what an object holds.</summary>
    public abstract void Fill(StateReader reader, object value);

    /// <summary>The shape of a class; null if its objects are not plain data.</summary>
    public static Shape? TryFind(Type type) => Known.GetOrAdd(type, Choose);

    private static Shape? Choose(Type type)
    {
        if (type == typeof(string))
        {
            return new StringShape();
        }

        if (type == typeof(PageTable))
        {
            return new PageTableShape();
        }

        if (type == typeof(MemoryStream))
        {
            return new ByteStreamShape();
        }

        if (type.IsSZArray && type.GetElementType() is { IsPointer: false, IsFunctionPointer: false })
        {
            return New(typeof(ArrayShape<>), type.GetElementType()!);
        }

        if (type.IsGenericType && CollectionOf(type.GetGenericTypeDefinition()) is { } collection)
        {
            return New(collection, type.GetGenericArguments());
        }

        if (type.IsAssignableTo(typeof(INativeState)))
        {
            return new NativeShape();
        }

        bool isPlain = type is { IsClass: true, IsArray: false, IsPointer: false, IsAbstract: false, ContainsGenericParameters: false }
            && !type.IsAssignableTo(typeof(Delegate)) && !IsOfTheRuntime(type);
        return isPlain ? new FieldsShape(type) : null;
    }

    /// <summary>Whether a class, or one that it derives from, is the runtime's own: what its fields mean is not known.</summary>
    private static bool IsOfTheRuntime(Type type) =>
        type != typeof(object)
            && (
                type.Namespace is "System" || type.Namespace?.StartsWith("System.", StringComparison.Ordinal) == true
                    || IsOfTheRuntime(type.BaseType!));

    private static Type? CollectionOf(Type definition) =>
        definition == typeof(List<>) ? typeof(ListShape<>)
        : definition == typeof(Queue<>) ? typeof(QueueShape<>)
        : definition == typeof(HashSet<>) ? typeof(SetShape<>)
        : definition == typeof(Dictionary<,>) ? typeof(DictionaryShape<,>)
        : definition == typeof(SortedDictionary<,>) ? typeof(SortedDictionaryShape<,>)
        : null;

    private static Shape New(Type definition, params Type[] arguments) =>
        (Shape)Activator.CreateInstance(definition.MakeGenericType(arguments))!;

    private sealed class StringShape : Shape
    {
        public override void Save(StateWriter writer, object value) => writer.Data.Write((string)value);

        public override object Make(StateReader reader) => reader.Data.ReadString();

        public override void Fill(StateReader reader, object value)
        {
        }
    }

    /// <summary>Only address spaces and virtual machines have page tables, from the beginning; they are read into theirs.</summary>
    private sealed class PageTableShape : Shape
    {
        public override void Save(StateWriter writer, object value) => ((PageTable)value).Export(writer.Data.BaseStream);

        public override object Make(StateReader reader) => throw new InvalidDataException("the checkpoint has a page table where none is");

        public override void Fill(StateReader reader, object value) => ((PageTable)value).Restore(reader.Data.BaseStream);
    }

    private sealed class ByteStreamShape : Shape
    {
        public override void Save(StateWriter writer, object value) => Items<byte>.Save(writer, ((MemoryStream)value).ToArray());

        public override object Make(StateReader reader) => new MemoryStream();

        public override void Fill(StateReader reader, object value) => ((MemoryStream)value).Write(Items<byte>.Read(reader));
    }

    /// <summary>Only objects that a world has from its beginning hold native memory; it is read into theirs.</summary>
    private sealed class NativeShape : Shape
    {
        public override void Save(StateWriter writer, object value) => ((INativeState)value).Save(writer.Data);

        public override object Make(StateReader reader) => throw new InvalidDataException("the checkpoint has native memory where none is");

        public override void Fill(StateReader reader, object value) => ((INativeState)value).Restore(reader.Data);
    }
}
