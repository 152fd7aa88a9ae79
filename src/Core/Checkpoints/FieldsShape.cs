using System.Reflection;
using System.Runtime.CompilerServices;
using VmSim.Core.State;

namespace VmSim.Core.Checkpoints;

/// <summary>
/// Objects and structures that are their fields: those of base classes first, each class's in the order of their declaration.
/// </summary>
internal sealed class FieldsShape : Shape
{
    private const BindingFlags Own = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
    private readonly Type _type;
    private readonly Slot[] _slots;

    public FieldsShape(Type type)
    {
        _type = type;
        _slots = [.. Fields(type).Select(Slot.Of)];
    }

    public override void Save(StateWriter writer, object value)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        foreach (Slot slot in _slots)
        {
            slot.Save(writer, value);
        }
    }

    public override object Make(StateReader reader) => RuntimeHelpers.GetUninitializedObject(_type);

    public override void Fill(StateReader reader, object value)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        foreach (Slot slot in _slots)
        {
            slot.Fill(reader, value);
        }
    }

    private static IEnumerable<FieldInfo> Fields(Type? type)
    {
        if (type is null)
        {
            return [];
        }

        IEnumerable<FieldInfo> own = type.GetFields(Own).OrderBy(field => field.MetadataToken);
        return Fields(type.BaseType).Concat(own.Where(field => field.GetCustomAttribute<NotSavedAttribute>() is null));
    }

    private abstract class Slot
    {
        public static Slot Of(FieldInfo field)
        {
            Type type = field.FieldType;
            if (type.IsPointer || type.IsFunctionPointer || type.IsByRefLike)
            {
                throw new NotSupportedException(
                    $"{field.DeclaringType}.{field.Name}: a checkpoint cannot hold a {type}; state is plain data");
            }

            return (Slot)Activator.CreateInstance(typeof(Slot<>).MakeGenericType(type), field)!;
        }

        public abstract void Save(StateWriter writer, object owner);

        public abstract void Fill(StateReader reader, object owner);
    }

    private sealed class Slot<T>(FieldInfo field) : Slot
    {
        public override void Save(StateWriter writer, object owner)
        {
            FieldInfo? outer = writer.Field;
            writer.Field = field;
            Items<T>.SaveAll(writer, [(T)field.GetValue(owner)!]);
            writer.Field = outer;
        }

        public override void Fill(StateReader reader, object owner)
        {
            T[] one = new T[1];
            Items<T>.ReadAll(reader, one);
            field.SetValue(owner, one[0]);
        }
    }
}
