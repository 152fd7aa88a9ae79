using System.Security.Cryptography;
using VmSim.Host.Terminal;

namespace VmSim.Host.Capture;

/// <summary>Runs a program under QEMU's user mode with the tracing plug-in.</summary>
internal static class QemuCapture
{
    private const string Source = "vmtplug.c";

    /// <summary>Runs the program; afterwards the traces of it and of its forked children are in <paramref name="folder"/>.</summary>
    /// <returns>The main process's raw trace and the program's exit code.</returns>
    public static (string Trace, int ExitCode) Run(
        string program, IReadOnlyList<string> arguments, string folder, int sets, bool randomizes)
    {
        string plugin = BuildPlugin();
        string trace = Path.Combine(folder, "trace");
        string options = $"{plugin},out={trace},sets={sets},name={Plain(Path.GetFileName(program))}";
        int exitCode = CaptureTools.RunTraced(CaptureTools.Qemu, ["-plugin", options, program, .. arguments], randomizes);
        return (trace, exitCode);
    }

    /// <summary>The compiled plug-in, built once for each version of its source.</summary>
    private static string BuildPlugin()
    {
        using Stream resource = typeof(QemuCapture).Assembly.GetManifestResourceStream(Source)!;
        using MemoryStream bytes = new();
        resource.CopyTo(bytes);
        string version = Convert.ToHexStringLower(SHA256.HashData(bytes.ToArray()))[..16];
        string folder = Path.Combine(CacheFolder(), "vmsim");
        string plugin = Path.Combine(folder, $"vmtplug-{version}.so");
        if (File.Exists(plugin))
        {
            return plugin;
        }

        Directory.CreateDirectory(folder);
        string source = Path.Combine(folder, $"vmtplug-{version}.c");
        File.WriteAllBytes(source, bytes.ToArray());
        string built = $"{plugin}.{Environment.ProcessId}";
        List<string> messages = new();
        int exitCode = CaptureTools.Run(CaptureTools.Compiler, ["-O2", "-shared", "-fPIC", "-o", built, source], messages.Add);
        if (exitCode != 0)
        {
            throw new UsageException(
                $"the plug-in cannot be compiled ({CaptureTools.Compiler} {source}): {string.Join('\n', messages.Take(5))}");
        }

        File.Move(built, plugin, overwrite: true);
        return plugin;
    }

    private static string CacheFolder()
    {
        string? cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return !string.IsNullOrEmpty(cache) ? cache : home.Length > 0 ? Path.Combine(home, ".cache") : Path.GetTempPath();
    }

    /// <summary>A name without what separates the plug-in's options.</summary>
    private static string Plain(string name) => string.Concat(name.Select(character => character is ',' or '=' or ' ' ? '_' : character));
}
