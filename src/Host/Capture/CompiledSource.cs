using System.Security.Cryptography;
using VmSim.Host.Terminal;

namespace VmSim.Host.Capture;

/// <summary>The C sources that capture brings along, compiled on first use into the user's cache folder.</summary>
internal static class CompiledSource
{
    /// <summary>The compiled source, built once for each version of it.</summary>
    /// <param name="source">The name of the embedded source.</param>
    /// <param name="ending">The ending of what is built.</param>
    /// <param name="options">The compiler's options beside -O2.</param>
    /// <returns>Its path.</returns>
    /// <exception cref="UsageException">There is no compiler, or it refuses the source.</exception>
    public static string Build(string source, string ending, params IReadOnlyList<string> options)
    {
        using Stream resource = typeof(CompiledSource).Assembly.GetManifestResourceStream(source)!;
        using MemoryStream bytes = new();
        resource.CopyTo(bytes);
        string version = Convert.ToHexStringLower(SHA256.HashData(bytes.ToArray()))[..16];
        string folder = Path.Combine(CacheFolder(), "vmsim");
        string name = Path.Combine(folder, $"{Path.GetFileNameWithoutExtension(source)}-{version}");
        if (File.Exists(name + ending))
        {
            return name + ending;
        }

        Directory.CreateDirectory(folder);
        string copy = $"{name}.c";
        File.WriteAllBytes(copy, bytes.ToArray());
        string built = $"{name}{ending}.{Environment.ProcessId}";
        List<string> messages = new();
        int exitCode = CaptureTools.Run(CaptureTools.Compiler, ["-O2", .. options, "-o", built, copy], messages.Add);
        if (exitCode != 0 || !File.Exists(built))
        {
            throw new UsageException(
                $"{source} cannot be compiled ({CaptureTools.Compiler} {copy}): {string.Join('\n', messages.Take(5))}");
        }

        File.Move(built, name + ending, overwrite: true);
        return name + ending;
    }

    private static string CacheFolder()
    {
        string? cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return !string.IsNullOrEmpty(cache) ? cache : home.Length > 0 ? Path.Combine(home, ".cache") : Path.GetTempPath();
    }
}
