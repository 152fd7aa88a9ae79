using System.Reflection;

namespace VmSim.Core.Settings;

/// <summary>An assembly whose classes a scenario may name.</summary>
public sealed class PlugIn
{
    private const string OwnPrefix = "VmSim.";

    /// <summary>Takes an assembly as a plug-in.</summary>
    /// <param name="path">Its file.</param>
    /// <param name="digest">SHA-256 of the file, as lower-case hex digits.</param>
    /// <param name="assembly">The assembly.</param>
    /// <exception cref="ScenarioException">It was built against another version of vmsim.</exception>
    public PlugIn(string path, string digest, Assembly assembly)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(digest);
        ArgumentNullException.ThrowIfNull(assembly);
        Path = path;
        Digest = digest;
        Assembly = assembly;
        RequireThisVersion();
    }

    /// <summary>Its file.</summary>
    public string Path { get; }

    /// <summary>SHA-256 of the file, as lower-case hex digits.</summary>
    public string Digest { get; }

    /// <summary>The assembly.</summary>
    public Assembly Assembly { get; }

    /// <summary>The name by which scenarios name its classes: what stands behind the comma.</summary>
    public string Name => Assembly.GetName().Name ?? "";

    /// <summary>
    /// The public classes that can be loaded, by name. One whose base class is in an assembly that is missing is left out.
    /// </summary>
    public IReadOnlyList<Type> Classes
    {
        get
        {
            Type?[] types;
            try
            {
                types = Assembly.GetTypes();
            }
            catch (ReflectionTypeLoadException some)
            {
                types = some.Types;
            }

            return [.. types.OfType<Type>().Where(type => type is { IsVisible: true, IsClass: true, IsAbstract: false })
                .OrderBy(type => type.FullName, StringComparer.Ordinal)];
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Path;

    /// <summary>A 0.x version promises nothing to the next one, and a later major version nothing to the one after it.</summary>
    private void RequireThisVersion()
    {
        Version own = typeof(PlugIn).Assembly.GetName().Version!;
        foreach (AssemblyName reference in Assembly.GetReferencedAssemblies())
        {
            bool isOurs = reference.Name?.StartsWith(OwnPrefix, StringComparison.Ordinal) == true && reference.Version is not null;
            if (isOurs && (reference.Version!.Major != own.Major || reference.Version.Minor != own.Minor))
            {
                throw new ScenarioException(
                    $"{Path}: built against {reference.Name} {reference.Version.ToString(3)}, and this is vmsim {own.ToString(3)}; "
                        + $"build it again against this version");
            }
        }
    }
}
