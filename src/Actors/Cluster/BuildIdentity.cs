using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Akka.Actor;

namespace VmSim.Actors.Cluster;

/// <summary>
/// Which build of vmsim a process runs. Nodes of one run have the same: results, messages and the state of a world are those of a build,
/// not of a version.
/// </summary>
public static class BuildIdentity
{
    private const string OwnPrefix = "VmSim.";
    private const int DigestBytes = 8;

    /// <summary>
    /// This process's build: its version, and the first bytes of a SHA-256 over what the compiler made of each of its assemblies, and of
    /// Akka.
    /// </summary>
    public static string Here { get; } = Of(typeof(BuildIdentity).Assembly);

    private static string Of(Assembly assembly)
    {
        SortedDictionary<string, Assembly> found = new(StringComparer.Ordinal);
        Gather(assembly, found);
        Gather(typeof(ActorSystem).Assembly, found);
        string modules = string.Join('\n', found.Select(item => $"{item.Key} {item.Value.ManifestModule.ModuleVersionId}"));
        string digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(modules))[..DigestBytes]);
        return $"{assembly.GetName().Version!.ToString(3)}-{digest}";
    }

    private static void Gather(Assembly assembly, SortedDictionary<string, Assembly> found)
    {
        if (!found.TryAdd(assembly.GetName().Name!, assembly))
        {
            return;
        }

        foreach (AssemblyName name in assembly.GetReferencedAssemblies())
        {
            if (name.Name!.StartsWith(OwnPrefix, StringComparison.Ordinal))
            {
                Gather(Assembly.Load(name), found);
            }
        }
    }
}
