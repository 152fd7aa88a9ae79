using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VmSim.Core.State;

namespace VmSim.Core.Checkpoints;

/// <summary>
/// Writes and reads values of one type: those without references as they lie in memory, others one by one. A structure with bytes between
/// its fields goes field by field: what stands in them is anything.
/// </summary>
/// <typeparam name="T">A class, whose objects are referred to, or a structure.</typeparam>
internal static class Items<T>
{
    private static readonly bool HoldsAddressKnown = typeof(T).IsValueType && HoldsAddress(typeof(T));
    private static readonly bool IsRaw = typeof(T).IsValueType && PlainLayout.DenseBytes(typeof(T)) == Unsafe.SizeOf<T>();
    private static Form? s_form;

    /// <summary>How one value is written.</summary>
    private static Form One => s_form ??= !typeof(T).IsValueType ? new ReferenceForm()
        : Nullable.GetUnderlyingType(typeof(T)) is { } inner ? (Form)Activator.CreateInstance(
            typeof(NullableForm<>).MakeGenericType(typeof(T), inner))!
        : new StructureForm();

    /// <summary>Writes how many there are, and the values.</summary>
    public static void Save(StateWriter writer, ReadOnlySpan<T> items)
    {
        writer.Data.Write(items.Length);
        SaveAll(writer, items);
    }

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    public static T[] Read(StateReader reader)
    {
        T[] items = new T[reader.ReadCount()];
        ReadAll(reader, items);
        return items;
    }

    /// <summary>Writes the values alone.</summary>
    public static void SaveAll(StateWriter writer, ReadOnlySpan<T> items)
    {
        if (HoldsAddressKnown)
        {
            throw writer.CannotHold(typeof(T));
        }

        if (IsRaw)
        {
            writer.Data.Write(Bytes(ref MemoryMarshal.GetReference(items), items.Length));
            return;
        }

        foreach (T item in items)
        {
            One.Save(writer, item);
        }
    }

    /// <summary>Reads the values alone.</summary>
    public static void ReadAll(StateReader reader, Span<T> items)
    {
        if (IsRaw)
        {
            reader.Data.BaseStream.ReadExactly(Bytes(ref MemoryMarshal.GetReference(items), items.Length));
            return;
        }

        foreach (ref T item in items)
        {
            item = (T)One.Read(reader)!;
        }
    }

    private static Span<byte> Bytes(ref T first, int count) =>
        MemoryMarshal.CreateSpan(ref Unsafe.As<T, byte>(ref first), checked(count * Unsafe.SizeOf<T>()));

    private static bool HoldsAddress(Type type) =>
        type.IsPointer || type.IsFunctionPointer || type == typeof(nint) || type == typeof(nuint)
        || (
            type is { IsValueType: true, IsPrimitive: false, IsEnum: false }
                && Array.Exists(PlainLayout.FieldsOf(type), field => HoldsAddress(field.FieldType)));

    private abstract class Form
    {
        public abstract void Save(StateWriter writer, object? value);

        public abstract object? Read(StateReader reader);
    }

    private sealed class ReferenceForm : Form
    {
        public override void Save(StateWriter writer, object? value) => writer.WriteReference(value);

        public override object? Read(StateReader reader) => reader.ReadReference(typeof(T));
    }

    private sealed class StructureForm : Form
    {
        private readonly FieldsShape _fields = new(typeof(T));

        public override void Save(StateWriter writer, object? value) => _fields.Save(writer, value!);

        public override object? Read(StateReader reader)
        {
            object value = _fields.Make(reader);
            _fields.Fill(reader, value);
            return value;
        }
    }

    private sealed class NullableForm<TInner> : Form
    {
        public override void Save(StateWriter writer, object? value) => Items<TInner>.Save(writer, value is null ? [] : [(TInner)value]);

        public override object? Read(StateReader reader) => Items<TInner>.Read(reader) is [TInner value] ? value : null;
    }
}
