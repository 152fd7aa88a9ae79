using System.Reflection;
using System.Reflection.PortableExecutable;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using System.Security.Cryptography;
using VmSim.Core.Settings;

namespace VmSim.Actors.Configuration;

/// <summary>
/// Loads assemblies as plug-ins. What is loaded is what the digest is of: a file is read once, and its bytes are both. A file with the same
/// bytes at the same path is loaded once a process; one that was built anew is loaded beside the old one, which runs that began with it
/// keep.
/// </summary>
public static class PlugInFile
{
    /// <summary>Most bytes of an assembly: the largest of .NET's own have some 20 MiB.</summary>
    private const int BytesMax = 256 << 20;

    private static readonly Dictionary<string, Assembly> Loaded = new(StringComparer.Ordinal);

    /// <summary>Loads a plug-in of one's own. What it needs may lie beside it.</summary>
    /// <param name="path">Its file.</param>
    /// <param name="key">Who names it, for messages.</param>
    /// <param name="before">Plug-ins that were loaded before it; it may need them.</param>
    /// <exception cref="ScenarioException">
    /// It cannot be read or loaded, or is of another version of vmsim; the message says what to do.
    /// </exception>
    public static PlugIn Load(string path, string key, IReadOnlyList<PlugIn> before) => Load(path, key, before, digest: null);

    /// <summary>
    /// Loads a plug-in that somebody else names. What it needs is not looked for beside it: it is in what was loaded before.
    /// </summary>
    /// <param name="path">Its file.</param>
    /// <param name="key">Who names it, for messages.</param>
    /// <param name="before">Plug-ins that were loaded before it; it may need them.</param>
    /// <param name="digest">SHA-256 that the file must have, as lower-case hex digits.</param>
    /// <exception cref="ScenarioException">
    /// It cannot be read or loaded, is another file, or is of another version of vmsim; the message says what to do.
    /// </exception>
    public static PlugIn LoadByDigest(string path, string key, IReadOnlyList<PlugIn> before, string digest)
    {
        ArgumentNullException.ThrowIfNull(digest);
        return Load(path, key, before, digest);
    }

    private static PlugIn Load(string path, string key, IReadOnlyList<PlugIn> before, string? digest)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(before);
        byte[] bytes = Read(path, key);
        string found = Convert.ToHexStringLower(SHA256.HashData(bytes));
        if (digest is not null && found != digest)
        {
            throw new ScenarioException($"{key}: {path}: another file than is meant (SHA-256 {found}, meant is {digest})");
        }

        if (FlawOf(bytes) is { } flaw)
        {
            throw new ScenarioException($"{key}: {path}: {flaw}; name the .dll that `dotnet build` makes of the plug-in's project");
        }

        try
        {
            string full = Path.GetFullPath(path);
            return new PlugIn(path, found, OfTheProgram(full) ?? Load(full, bytes, found, before, looksBeside: digest is null));
        }
        catch (ScenarioException reason)
        {
            throw new ScenarioException($"{key}: {reason.Message}", reason);
        }
        catch (Exception reason) when (reason is BadImageFormatException or FileLoadException)
        {
            throw new ScenarioException($"{key}: {path}: this assembly cannot be loaded: {reason.Message.Split('\n', 2)[0]}", reason);
        }
    }

    private static Assembly Load(string path, byte[] bytes, string digest, IReadOnlyList<PlugIn> before, bool looksBeside)
    {
        string key = string.Join('\n', [path, digest, $"{looksBeside}", .. before.Select(plugIn => $"{plugIn.Path} {plugIn.Digest}")]);
        lock (Loaded)
        {
            if (!Loaded.TryGetValue(key, out Assembly? assembly))
            {
                assembly = new Context(path, before, looksBeside).Load(bytes);
                Loaded.Add(key, assembly);
            }

            return assembly;
        }
    }

    private static byte[] Read(string path, string key)
    {
        if (Directory.Exists(path))
        {
            throw new ScenarioException($"{key}: {path}: this is a folder; name the plug-in's .dll in it");
        }

        if (!File.Exists(path))
        {
            throw new ScenarioException(
                $"{key}: {path}: there is no such file; build the plug-in, or name its .dll relative to the scenario");
        }

        try
        {
            using FileStream stream = File.OpenRead(path);
            byte[] bytes = new byte[stream.CanSeek && stream.Length <= BytesMax ? stream.Length : 0];
            stream.ReadExactly(bytes);
            return bytes.Length > 0 && stream.ReadByte() < 0
                ? bytes
                : throw new ScenarioException(
                    $"{key}: {path}: this is no .NET assembly: it is empty, has more than {BytesMax >> 20} MiB, or is a pipe or a device");
        }
        catch (Exception reason) when (reason is IOException or UnauthorizedAccessException)
        {
            throw new ScenarioException($"{key}: {path}: cannot be read: {reason.Message}", reason);
        }
    }

    /// <summary>What keeps a file from being an assembly that runs here; null for nothing.</summary>
    private static string? FlawOf(byte[] bytes)
    {
        using MemoryStream stream = new(bytes, writable: false);
        try
        {
            using PEReader reader = new(stream);
            if (!reader.HasMetadata)
            {
                return "this is no .NET assembly";
            }

            // Code of the runtime's own language for any machine says I386 without asking for 32 bits.
            Machine machine = reader.PEHeaders.CoffHeader.Machine;
            bool isAny = machine == Machine.I386 && (reader.PEHeaders.CorHeader!.Flags & CorFlags.Requires32Bit) == 0;
            return isAny || machine == OwnMachine()
                ? null
                : $"this assembly is for {machine}, and this process is {RuntimeInformation.ProcessArchitecture}; build it for AnyCPU";
        }
        catch (BadImageFormatException)
        {
            return "this is no .NET assembly";
        }
    }

    private static Machine OwnMachine() => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => Machine.Amd64,
        Architecture.Arm64 => Machine.Arm64,
        Architecture.LoongArch64 => Machine.LoongArch64,
        Architecture.RiscV64 => Machine.RiscV64,
        _ => Machine.Unknown,
    };

    /// <summary>An assembly that the program has loaded itself is not loaded a second time: its classes would be others.</summary>
    private static Assembly? OfTheProgram(string path) =>
        AssemblyLoadContext.Default.Assemblies.FirstOrDefault(assembly => !assembly.IsDynamic && assembly.Location == path);

    /// <summary>
    /// The assemblies of one plug-in. What vmsim has is vmsim's, so that both mean the same classes; the rest was loaded before, or lies
    /// beside the plug-in.
    /// </summary>
    private sealed class Context(string path, IReadOnlyList<PlugIn> before, bool looksBeside) : AssemblyLoadContext($"plug-in {path}")
    {
        private readonly PlugIn[] _before = [.. before];

        public Assembly Load(byte[] bytes)
        {
            string symbols = Path.ChangeExtension(path, ".pdb");
            using MemoryStream assembly = new(bytes, writable: false);
            using MemoryStream? lines =
                looksBeside && File.Exists(symbols) ? new MemoryStream(File.ReadAllBytes(symbols), writable: false) : null;
            return LoadFromStream(assembly, lines);
        }

        protected override Assembly? Load(AssemblyName assemblyName)
        {
            try
            {
                return Default.LoadFromAssemblyName(assemblyName);
            }
            catch (Exception reason) when (reason is FileNotFoundException or FileLoadException)
            {
                return Array.Find(_before, plugIn => plugIn.Name == assemblyName.Name)?.Assembly ?? Beside(assemblyName.Name + ".dll");
            }
        }

        private Assembly? Beside(string name)
        {
            string file = Path.Combine(Path.GetDirectoryName(path)!, name);
            return looksBeside && File.Exists(file) ? LoadFromAssemblyPath(file) : null;
        }
    }
}
