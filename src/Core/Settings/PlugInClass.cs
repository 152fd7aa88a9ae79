using System.Reflection;
using System.Reflection.Metadata;

namespace VmSim.Core.Settings;

/// <summary>How classes of one's own join what a registry lists.</summary>
/// <typeparam name="T">What the registry lists.</typeparam>
/// <param name="Base">What such a class derives from or implements.</param>
/// <param name="Make">Makes what the registry would list of a class.</param>
public sealed record PlugInRule<T>(Type Base, Func<PlugInClass, T> Make)
{
    /// <summary>The registry lists objects of the classes themselves, each made by a public constructor without parameters.</summary>
    public static PlugInRule<T> Objects { get; } = new(typeof(T), found => (T)found.Create());
}

/// <summary>A class that a scenario names as "Namespace.Type, Assembly", found and fit for its kind.</summary>
public sealed class PlugInClass
{
    private readonly string _key;
    private readonly string _what;
    private readonly string _where;

    private PlugInClass(Type type, string name, string key, string what, string where)
    {
        Type = type;
        Name = name;
        _key = key;
        _what = what;
        _where = where;
    }

    /// <summary>The class.</summary>
    public Type Type { get; }

    /// <summary>Its name as it was written.</summary>
    public string Name { get; }

    /// <summary>Whether a name is one of a class, and not one of a registry: it has a comma.</summary>
    public static bool IsClassName(string name) => name?.Contains(',', StringComparison.Ordinal) == true;

    /// <summary>Finds a class in the plug-ins, or else in the program itself.</summary>
    /// <param name="name">Its name, "Namespace.Type, Assembly".</param>
    /// <param name="key">Who named it, for messages.</param>
    /// <param name="what">What it is to be, for messages: "shootdown protocol".</param>
    /// <param name="kind">What it must derive from or implement.</param>
    /// <param name="plugIns">Where to look first.</param>
    /// <exception cref="ScenarioException">There is none, or it is not fit; the message says why and what to do.</exception>
    public static PlugInClass Find(string name, string key, string what, Type kind, PlugInSet plugIns)
    {
        ArgumentNullException.ThrowIfNull(kind);
        ArgumentNullException.ThrowIfNull(plugIns);
        if (!TypeName.TryParse(name, out TypeName? parsed) || parsed.AssemblyName is null || !parsed.IsSimple)
        {
            throw new ScenarioException($"{key}: \"{name}\" is no name of a class; write \"Namespace.Type, Assembly\"");
        }

        PlugIn? plugIn = plugIns.Find(parsed.AssemblyName.Name);
        Type type = TypeOf(parsed, plugIn, key) ?? throw Missing(parsed, plugIn, key, what, kind, plugIns);
        string where = plugIn is null ? "" : $" of {plugIn}";
        string flaw = FlawOf(type, kind);
        return flaw.Length == 0
            ? new PlugInClass(type, name, key, what, where)
            : throw new ScenarioException($"{key}: {type.FullName}{where} is no {what}: {flaw}");
    }

    /// <summary>Whether it has a public constructor with these parameters.</summary>
    public bool HasConstructor(params Type[] parameters) => Type.GetConstructor(parameters) is not null;

    /// <summary>Makes an object of the class.</summary>
    /// <param name="arguments">What its constructor takes.</param>
    /// <exception cref="ScenarioException">It has no such public constructor, or that throws.</exception>
    public object Create(params object[] arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        ConstructorInfo constructor = Type.GetConstructor([.. arguments.Select(argument => argument.GetType())])
            ?? throw new ScenarioException($"{_key}: {Type.FullName}{_where} has no public constructor without parameters; give it one");
        return Run(() => constructor.Invoke(arguments));
    }

    /// <summary>Asks a static property of the class for the one object of it.</summary>
    /// <exception cref="ScenarioException">It throws, or has none.</exception>
    public object Call(MethodInfo getter)
    {
        ArgumentNullException.ThrowIfNull(getter);
        return Run(() => getter.Invoke(null, null) ?? throw new TargetInvocationException(new ArgumentNullException(getter.Name)));
    }

    private object Run(Func<object> make)
    {
        try
        {
            return make();
        }
        catch (TargetInvocationException error)
        {
            throw Failed(error.InnerException!);
        }
        catch (Exception error) when (error is MemberAccessException or TypeLoadException or IOException or BadImageFormatException)
        {
            throw Failed(error);
        }
    }

    /// <summary>The message for a class whose constructor threw. What a class lacks at run time it had when it was compiled.</summary>
    private ScenarioException Failed(Exception reason)
    {
        Exception cause = reason is TypeInitializationException { InnerException: { } inner } ? inner : reason;
        string remedy =
            cause is MissingMemberException or TypeLoadException ? "; it was built against another build of vmsim: build it again"
            : cause is FileNotFoundException or FileLoadException or BadImageFormatException
            ? "; put the assemblies that it needs beside it, or list them before it"
            : "";
        return new ScenarioException(
            $"{_key}: the {_what} {Type.FullName}{_where} cannot be made: {cause.GetType().Name}: {FirstLine(cause.Message)}{remedy}",
            cause);
    }

    private static Type? TypeOf(TypeName name, PlugIn? plugIn, string key)
    {
        try
        {
            return plugIn is not null
                ? plugIn.Assembly.GetType(name.FullName, throwOnError: true)
                : Type.GetType($"{name.FullName}, {name.AssemblyName!.Name}", throwOnError: false);
        }
        catch (TypeLoadException error) when (plugIn is not null)
        {
            if (!IsDefined(plugIn.Assembly, name.FullName))
            {
                return null;
            }

            throw new ScenarioException(
                $"{key}: {name.FullName} of {plugIn} cannot be loaded: {FirstLine(error.Message)}; it was built against another build of "
                    + "vmsim: build it again",
                error);
        }
        catch (Exception error) when (error is IOException or BadImageFormatException or TypeLoadException or ArgumentException)
        {
            string where = plugIn is null ? "" : $" of {plugIn}";
            throw new ScenarioException(
                $"{key}: {name.FullName}{where} cannot be loaded: {FirstLine(error.Message)}; put the assemblies that it needs beside it, "
                    + "or list them before it",
                error);
        }
    }

    /// <summary>Whether an assembly has a class, be it one that cannot be loaded.</summary>
    private static bool IsDefined(Assembly assembly, string name)
    {
        try
        {
            return Array.Exists(assembly.GetTypes(), type => type.FullName == name);
        }
        catch (ReflectionTypeLoadException some)
        {
            return some.LoaderExceptions.OfType<TypeLoadException>().Any(each => each.TypeName == name);
        }
    }

    private static ScenarioException Missing(TypeName name, PlugIn? plugIn, string key, string what, Type kind, PlugInSet plugIns)
    {
        string assembly = name.AssemblyName!.Name;
        if (plugIn is null)
        {
            string listed = plugIns.Count == 0 ? "none is listed" : $"listed are {string.Join(", ", plugIns.Select(each => each.Name))}";
            return new ScenarioException(
                $"{key}: there is no plug-in \"{assembly}\", {listed}; list its file, plug-ins = [ \"{assembly}.dll\" ]");
        }

        string[] classes = [.. plugIn.Classes.Where(type => type.IsAssignableTo(kind)).Select(type => type.FullName!)];
        string there = classes.Length == 0 ? $"it has no {what}" : $"of this kind it has {string.Join(", ", classes)}";
        string hint = NearestName.Of(name.FullName, classes) is { } nearest ? $"; did you mean {nearest}?" : "";
        return new ScenarioException($"{key}: {plugIn} has no class {name.FullName}; {there}{hint}");
    }

    /// <summary>What keeps a class from being of a kind; empty for nothing.</summary>
    private static string FlawOf(Type type, Type kind) =>
        !type.IsAssignableTo(kind) ? $"it does not {(kind.IsInterface ? "implement" : "derive from")} {kind.FullName}"
        : type.IsAbstract ? "it is abstract"
        : type.ContainsGenericParameters ? "it is generic"
        : !type.IsVisible ? "it is not public"
        : "";

    private static string FirstLine(string message) => message.Split('\n', 2)[0].TrimEnd();
}
