using VmSim.Actors.Configuration;
using VmSim.Core.Traces;
using VmSim.Host.Terminal;

namespace VmSim.Host.Files;

/// <summary>Opens logs and traces for reading.</summary>
internal static class TraceInput
{
    private static readonly byte[] XzMagic = [0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0];

    /// <summary>Opens a file; "-" is standard input. What xz packed is unpacked by the xz program.</summary>
    /// <exception cref="TraceFormatException">There is no such file, or xz is needed and not installed.</exception>
    public static Stream Open(string path)
    {
        if (path == "-")
        {
            return StandardInput.Open();
        }

        path = ConfigFiles.Locate(path);
        FileKind kind = FileStatus.Of(path).Kind;
        if (kind is FileKind.None or FileKind.Folder or FileKind.Disk)
        {
            throw TraceFormatException.Missing(
                path, kind == FileKind.Folder ? "this is a folder" : kind == FileKind.Disk ? "this is a disk" : NothingAt(path));
        }

        FileStream file = File.OpenRead(path);
        if (kind == FileKind.Stream)
        {
            // A pipe cannot be read from its beginning again.
            return file;
        }

        byte[] head = new byte[XzMagic.Length];
        int length = file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        file.Position = 0;
        if (length < head.Length || !head.AsSpan().SequenceEqual(XzMagic))
        {
            return file;
        }

        file.Dispose();
        return new XzStream(path);
    }

    /// <summary>Opens a log, which has something in it.</summary>
    /// <exception cref="TraceFormatException">There is no such file, or it is empty.</exception>
    public static Stream OpenLog(string path)
    {
        Stream stream = Open(path);
        if (stream is FileStream { CanSeek: true })
        {
            byte[] head = new byte[2];
            int length = stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
            stream.Position = 0;
            if (length == head.Length && head.AsSpan().SequenceEqual("PK"u8))
            {
                // A zip's list of entries stands at its end.
                return stream;
            }
        }

        return TraceStreams.UnpackLog(stream, path);
    }

    /// <summary>Opens a file if there is one; null otherwise.</summary>
    public static Stream? OpenIfThere(string path) => File.Exists(ConfigFiles.Locate(path)) ? Open(path) : null;

    /// <summary>The files whose paths begin like one, in order.</summary>
    public static IReadOnlyList<string> ListBeside(string stem)
    {
        string folder = Path.GetDirectoryName(stem) ?? "";
        IEnumerable<string> files = Directory.EnumerateFiles(folder.Length == 0 ? "." : folder)
            .Select(file => Path.Combine(folder, Path.GetFileName(file)));
        return [.. files.Where(file => file.StartsWith(stem, StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
    }

    /// <summary>What is said of a file that is not there: strace -ff makes NAME.PID of the name that it is given.</summary>
    private static string NothingAt(string path)
    {
        string? folder = Path.GetDirectoryName(path);
        IReadOnlyList<string> others = folder is { Length: > 0 } && !Directory.Exists(folder) ? [] : ListBeside(path + ".");
        string? first = others.Where(file => file[(path.Length + 1)..].All(char.IsAsciiDigit)).MinBy(file => (file.Length, file));
        return first is null ? "there is no such file" : $"there is no such file, but {first}, as strace -ff names the log of a process";
    }

    /// <summary>Opens a trace in any form.</summary>
    public static IVmtSource OpenTrace(string path, bool salvage = false) => TraceSources.Open(Open(path), path, salvage);

    /// <summary>Opens the trace of a child, which lies beside its parent's; null when there is none.</summary>
    public static Stream? OpenBeside(string parent, string name)
    {
        string path = Path.Combine(Path.GetDirectoryName(ConfigFiles.Locate(parent)) ?? "", Path.GetFileName(name));
        return File.Exists(path) ? File.OpenRead(path) : null;
    }

    /// <summary>Sees to it that a trace can be read more than once.</summary>
    /// <exception cref="TraceFormatException">It is a pipe or a device.</exception>
    public static void RequireFile(string path)
    {
        if (path == "-" || FileStatus.Of(ConfigFiles.Locate(path)).Kind == FileKind.Stream)
        {
            throw TraceFormatException.Missing(path, "it is read twice, which a pipe or a device cannot be");
        }
    }
}
