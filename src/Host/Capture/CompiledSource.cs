using System.Security.Cryptography;
using VmSim.Host.Files;
using VmSim.Host.Terminal;

namespace VmSim.Host.Capture;

/// <summary>The C sources that capture brings along, compiled on first use into the user's cache folder.</summary>
internal static class CompiledSource
{
    private const UnixFileMode UserOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

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
        string folder = UserCache.Folder();
        string target = Path.Combine(folder, $"{Path.GetFileNameWithoutExtension(source)}-{version}{ending}");
        if (UserCache.RequireOurs(target, FileKind.Regular))
        {
            return target;
        }

        string copy = Path.Combine(folder, OutputFile.AsideOf("c") + ".c");
        string built = Path.Combine(folder, OutputFile.AsideOf("built"));
        void Remove()
        {
            File.Delete(copy);
            File.Delete(built);
        }

        Leftovers.Add(Remove);
        try
        {
            using (FileStream text = new(copy, FileMode.CreateNew))
            {
                bytes.WriteTo(text);
            }

            List<string> messages = new();
            int exitCode = CaptureTools.Run(CaptureTools.Compiler, ["-O2", .. options, "-o", built, copy], messages.Add);
            if (exitCode != 0 || !File.Exists(built))
            {
                throw new UsageException(
                    $"{source} cannot be compiled ({CaptureTools.Compiler}): {string.Join('\n', messages.Take(5))}");
            }

            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(built, UserOnly);
            }

            File.Move(built, target, overwrite: true);
            return target;
        }
        finally
        {
            Remove();
            Leftovers.Forget(Remove);
        }
    }
}
