using System.Collections.Concurrent;
using System.Reflection;

namespace VmSim.Core.Checkpoints;

/// <summary>
/// Objects that a static field of their own class, or of a class it derives from, holds for every run. There is one in a process, so none
/// is made anew.
/// </summary>
internal static class SharedObjects
{
    private const BindingFlags Statics = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
    private static readonly ConcurrentDictionary<Type, FieldInfo[]> Fields = new();

    /// <summary>The field that holds an object; null if none does.</summary>
    public static FieldInfo? FieldOf(object value)
    {
        for (Type? type = value.GetType(); type is not null; type = type.BaseType)
        {
            foreach (FieldInfo field in FieldsOf(type))
            {
                if (ReferenceEquals(field.GetValue(null), value))
                {
                    return field;
                }
            }
        }

        return null;
    }

    /// <summary>What a field of a class holds.</summary>
    public static object Read(Type type, string name) =>
        Array.Find(FieldsOf(type), field => field.Name == name)?.GetValue(null)
        ?? throw new InvalidDataException($"the checkpoint has {type}.{name}, which is not here");

    private static FieldInfo[] FieldsOf(Type type) => Fields.GetOrAdd(type, of =>
        of.ContainsGenericParameters || of.Assembly == typeof(object).Assembly
            ? []
            : Array.FindAll(
                of.GetFields(Statics),
                field => field is { IsInitOnly: true, FieldType.IsValueType: false } && field.FieldType.IsAssignableTo(of)));
}
