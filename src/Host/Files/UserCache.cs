using VmSim.Host.Terminal;

namespace VmSim.Host.Files;

/// <summary>The user's folder for what can be made again, which nobody else can write: vmsim in XDG_CACHE_HOME or ~/.cache.</summary>
internal static class UserCache
{
    private const UnixFileMode UserOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>The folder, made if it is not there.</summary>
    /// <exception cref="UsageException">There is no home folder, or the folder is not ours alone.</exception>
    /// <exception cref="IOException">It cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be made.</exception>
    public static string Folder()
    {
        string? cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");

        // a relative path is to be ignored (XDG Base Directory Specification)
        cache = Path.IsPathRooted(cache) ? cache : null;
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        if (string.IsNullOrEmpty(cache) && home.Length == 0)
        {
            throw new UsageException("there is no home folder to keep what is made in; name one: XDG_CACHE_HOME=FOLDER");
        }

        return Make(Path.Combine(!string.IsNullOrEmpty(cache) ? cache : Path.Combine(home, ".cache"), "vmsim"));
    }

    /// <summary>A folder of ours, made if it is not there.</summary>
    /// <exception cref="UsageException">It is not ours alone.</exception>
    public static string Make(string folder)
    {
        if (!RequireOurs(folder, FileKind.Folder))
        {
            _ = OperatingSystem.IsWindows() ? Directory.CreateDirectory(folder) : Directory.CreateDirectory(folder, UserOnly);
            RequireOurs(folder, FileKind.Folder);
        }

        return folder;
    }

    /// <summary>Whether something is there. What is there runs or is read on the user's behalf, so it must be ours alone.</summary>
    /// <exception cref="UsageException">It is another's, another may write it, or it is a link.</exception>
    public static bool RequireOurs(string path, FileKind kind)
    {
        FileStatus status = FileStatus.Of(path, follows: false);
        return status.Kind == FileKind.None || (status.Kind == kind && status.IsOurs)
            ? status.Kind != FileKind.None
            : throw new UsageException(
                $"{path}: is not used, since it belongs to another, others may write it, or it is a link; "
                + "remove it, or name another folder: XDG_CACHE_HOME=FOLDER");
    }
}
