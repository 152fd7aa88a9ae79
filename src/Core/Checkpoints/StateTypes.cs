using System.Reflection;

namespace VmSim.Core.Checkpoints;

/// <summary>Names of classes in checkpoints. A checkpoint makes objects of classes that are loaded already, never loads any.</summary>
internal static class StateTypes
{
    /// <summary>A name that says which class of which assembly.</summary>
    public static string NameOf(Type type) => type.AssemblyQualifiedName!;

    /// <summary>The class of a name.</summary>
    /// <exception cref="InvalidDataException">There is none.</exception>
    public static Type Find(string name)
    {
        try
        {
            return Type.GetType(name, Loaded, typeResolver: null, throwOnError: true)!;
        }
        catch (Exception error) when (error is TypeLoadException or IOException or ArgumentException or BadImageFormatException)
        {
            throw new InvalidDataException($"the checkpoint has a class that is not here: {name}", error);
        }
    }

    private static Assembly? Loaded(AssemblyName name) =>
        Array.Find(AppDomain.CurrentDomain.GetAssemblies(), assembly => AssemblyName.ReferenceMatchesDefinition(name, assembly.GetName()));
}
