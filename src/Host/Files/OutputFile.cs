using System.Security.Cryptography;

namespace VmSim.Host.Files;

/// <summary>
/// The one way in which commands write files. What is written stands aside in the same folder, under a name that nobody can guess and that
/// is made anew, until it is complete; then it takes the place of what had its name, at once. So a reader finds the old file or the new
/// one, whole, and an error, a full disk or a signal leaves the old one. Pipes and devices are written to and never replaced; links are not
/// followed.
/// </summary>
internal sealed class OutputFile : IDisposable
{
    private const int MaxName = 255;
    private readonly string _path;
    private readonly string _what;
    private readonly string? _aside;
    private readonly WholeStream _stream;
    private readonly Action _remove;
    private bool _isFinished;
    private bool _isComplete;

    /// <summary>Begins a file.</summary>
    /// <param name="path">Its name.</param>
    /// <param name="what">What to call it in messages: the option that names it.</param>
    /// <param name="inputs">Files that the command reads, none of which may be written over.</param>
    /// <exception cref="IOException">It cannot be written, or is not to be.</exception>
    public OutputFile(string path, string what, params IReadOnlyList<string> inputs)
    {
        _path = path;
        _what = what;
        _remove = RemoveAside;
        FileKind kind = Require(path, what, inputs);
        if (kind == FileKind.Stream)
        {
            _stream = new WholeStream(Open(path, FileMode.Open));
            return;
        }

        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        if (!Directory.Exists(folder))
        {
            throw new IOException($"{what} {path}: there is no folder {folder}; make it first");
        }

        _aside = Path.Combine(folder, AsideOf(Path.GetFileName(path)));
        Leftovers.Add(_remove);
        FileStream file;
        try
        {
            file = Open(_aside, FileMode.CreateNew, isPrivate: kind == FileKind.Regular);
        }
        catch
        {
            Leftovers.Forget(_remove);
            throw;
        }

        if (kind == FileKind.Regular && !OperatingSystem.IsWindows())
        {
            // Who may read the old file may read the new one, and nobody else.
            File.SetUnixFileMode(file.SafeFileHandle, File.GetUnixFileMode(path));
        }

        _stream = new WholeStream(file);
    }

    /// <summary>Takes the bytes.</summary>
    public Stream Stream => _stream;

    /// <summary>Finds out whether a file may be written, before there is anything to write.</summary>
    /// <returns>What has its name now: nothing, a regular file, or a stream.</returns>
    /// <exception cref="IOException">It may not.</exception>
    public static FileKind Require(string path, string what, params IReadOnlyList<string> inputs)
    {
        if (string.IsNullOrWhiteSpace(path))
        {
            throw new IOException($"{what}: an empty name found; a file is needed");
        }

        FileStatus status = FileStatus.Of(path, follows: IsDescriptor(path));
        string? wrong = status.Kind switch
        {
            FileKind.Folder => "this is a folder; a file is needed",
            FileKind.Link => $"this is a link to {new FileInfo(path).LinkTarget}; name the file itself",
            FileKind.Disk => "this is a disk, which is not written over",
            _ => null,
        };
        if (wrong is null && status.Kind == FileKind.Regular && inputs.Any(input => FileStatus.Of(input).Identity == status.Identity
            && (OperatingSystem.IsLinux() || Path.GetFullPath(input) == Path.GetFullPath(path))))
        {
            wrong = "the command reads this file; write to another one";
        }

        return wrong is null ? status.Kind : throw new IOException($"{what} {path}: {wrong}");
    }

    /// <summary>
    /// Says that all is written, while the file still stands aside. What is left to <see cref="Complete"/> can hardly fail.
    /// </summary>
    /// <exception cref="IOException">It cannot be written to its end.</exception>
    public void Finish() => Try(() =>
    {
        _stream.Flush();
        _stream.Dispose();
        _isFinished = true;
    });

    /// <summary>Says that all is written; the file appears under its name.</summary>
    /// <exception cref="IOException">It cannot be written to its end; the old one stays.</exception>
    public void Complete()
    {
        if (!_isFinished)
        {
            Finish();
        }

        if (_aside is not null)
        {
            Try(() => File.Move(_aside, _path, overwrite: true));
        }

        _isComplete = true;
        Leftovers.Forget(_remove);
    }

    /// <summary>Writes the bytes to the disk while the file still stands aside: what fails, fails before anything is replaced.</summary>
    public void Prepare() => _stream.Flush(toDisk: _aside is not null);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isComplete)
        {
            return;
        }

        try
        {
            _stream.Dispose();
        }
        catch (IOException)
        {
            // What could not be written is why the file is not complete; that has been told.
        }

        RemoveAside();
        Leftovers.Forget(_remove);
    }

    private void Try(Action write)
    {
        try
        {
            write();
        }
        catch (Exception reason) when (reason is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{_what} {_path}: {reason.Message}", reason);
        }
    }

    /// <summary>A name in the same folder that nobody can guess.</summary>
    internal static string AsideOf(string name)
    {
        string random = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
        return name.Length + random.Length + 2 <= MaxName / 2 ? $".{name}.{random}" : $".{random}";
    }

    /// <summary>Opens a file; a private one is from its first moment on nobody else's.</summary>
    private static FileStream Open(string path, FileMode mode, bool isPrivate = false)
    {
        FileStreamOptions options = new()
        {
            Mode = mode,
            Access = FileAccess.Write,
            Share = FileShare.ReadWrite | FileShare.Delete,
        };
        if (isPrivate && !OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return new FileStream(path, options);
    }

    private void RemoveAside()
    {
        if (_aside is not null)
        {
            File.Delete(_aside);
        }
    }

    /// <summary>Names of what this process has open, which are links by nature: /dev/stdout.</summary>
    private static bool IsDescriptor(string path) =>
        path is "/dev/stdout" or "/dev/stderr" || path.StartsWith("/dev/fd/", StringComparison.Ordinal)
        || path.StartsWith("/proc/self/fd/", StringComparison.Ordinal);
}
