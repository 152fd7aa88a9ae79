using System.Collections.Concurrent;
using System.Reflection;
using System.Reflection.Emit;

namespace VmSim.Core.Checkpoints;

/// <summary>Copies the fields of objects of one class, those that can change.</summary>
internal sealed class ObjectFields
{
    private const BindingFlags Own = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
    private static readonly ConcurrentDictionary<Type, ObjectFields> Known = new();

    /// <summary>Where references may stand: fields of classes, and of structures that have such fields.</summary>
    private readonly FieldInfo[] _references;

    private ObjectFields(Type type)
    {
        FieldInfo[] fields = [.. All(type)];
        _references = Array.FindAll(fields, field => MayRefer(field.FieldType));
        FieldInfo[] changing = Array.FindAll(fields, field => !field.IsInitOnly);
        Copy = changing.Length > 0 && !type.IsValueType ? Emit(type, changing) : null;
    }

    /// <summary>Copies from one object to another; null if none of the fields can change.</summary>
    public Action<object, object>? Copy { get; }

    /// <summary>The fields of a class or structure.</summary>
    public static ObjectFields Of(Type type) => Known.GetOrAdd(type, of => new ObjectFields(of));

    /// <summary>Whether a value of a type refers to objects, or is one.</summary>
    public static bool MayRefer(Type type) =>
        !type.IsPrimitive && !type.IsEnum && !type.IsPointer && !type.IsFunctionPointer
            && (!type.IsValueType || Of(type)._references.Length > 0);

    /// <summary>The objects that one, or a structure, refers to.</summary>
    public IEnumerable<object> ReferredBy(object value)
    {
        foreach (FieldInfo field in _references)
        {
            if (field.GetValue(value) is { } found)
            {
                yield return found;
            }
        }
    }

    private static IEnumerable<FieldInfo> All(Type? type) =>
        type is null ? [] : All(type.BaseType).Concat(type.GetFields(Own));

    /// <summary>Assigning field by field, the runtime hears of each reference; a copy of bytes would go past its collector.</summary>
    private static Action<object, object> Emit(Type type, FieldInfo[] fields)
    {
        DynamicMethod method = new($"Copy{type.Name}", null, [typeof(object), typeof(object)], type.Module, skipVisibility: true);
        ILGenerator code = method.GetILGenerator();
        foreach (FieldInfo field in fields)
        {
            code.Emit(OpCodes.Ldarg_1);
            code.Emit(OpCodes.Castclass, type);
            code.Emit(OpCodes.Ldarg_0);
            code.Emit(OpCodes.Castclass, type);
            code.Emit(OpCodes.Ldfld, field);
            code.Emit(OpCodes.Stfld, field);
        }

        code.Emit(OpCodes.Ret);
        return method.CreateDelegate<Action<object, object>>();
    }
}
