using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace VmSim.Core.State;

/// <summary>How values lie in memory.</summary>
internal static class PlainLayout
{
    /// <summary>
    /// Bytes of a structure's fields, those of fields that are structures included; below 0 if there is a reference. A structure of more
    /// bytes has some between its fields, and what stands in them is anything.
    /// </summary>
    public static int DenseBytes(Type type)
    {
        if (type.IsEnum || type.IsPrimitive)
        {
            return Marshal.SizeOf(
                type.IsEnum
                    ? type.GetEnumUnderlyingType()
                    : type == typeof(bool) ? typeof(byte) : type == typeof(char) ? typeof(short) : type);
        }

        int bytes = type.IsValueType ? 0 : int.MinValue / 2;
        foreach (FieldInfo field in type.IsValueType ? FieldsOf(type) : [])
        {
            bytes += DenseBytes(field.FieldType);
        }

        return bytes * (type.GetCustomAttribute<InlineArrayAttribute>()?.Length ?? 1);
    }

    /// <summary>The fields of an object, the private ones included.</summary>
    public static FieldInfo[] FieldsOf(Type type) => type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);
}
