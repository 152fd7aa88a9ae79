using System.Globalization;
using System.Security.Cryptography;
using VmSim.Host.Hosting;
using VmSim.Host.Reporting;

namespace VmSim.Host.Service;

/// <summary>
/// The folder of a service: the database of its jobs, results by the digest of their run, files by their SHA-256, a folder for each job
/// that has a checkpoint, and the tokens. Names in it are numbers and digests; nothing that a request says is ever a part of a path.
/// </summary>
internal sealed class StoreFolder
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Names a store.</summary>
    /// <param name="path">The folder.</param>
    public StoreFolder(string path) => Root = Path.GetFullPath(path);

    /// <summary>Where the store of this user is if nobody says otherwise.</summary>
    public static string Usual => Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify),
        "vmsim",
        "service");

    /// <summary>The folder.</summary>
    public string Root { get; }

    /// <summary>The database of jobs.</summary>
    public string Database => Path.Combine(Root, "jobs.db");

    /// <summary>The folder of results, each in a folder that is called by the digest of its run.</summary>
    public string Results => Path.Combine(Root, "results");

    /// <summary>The file that says whose token is which, by digest.</summary>
    public string Tokens => Path.Combine(Root, "tokens");

    /// <summary>The file with the token of the user whose store this is.</summary>
    public string OwnToken => Path.Combine(Root, "token");

    /// <summary>The folder of all traces.</summary>
    public string Inputs => Path.Combine(Root, "inputs");

    private string Jobs => Path.Combine(Root, "jobs");

    /// <summary>Results that are removed, until their files are: what is here is nobody's.</summary>
    private string Hidden => Path.Combine(Root, "removed");

    /// <summary>Makes what is not there. Only the owner may enter the folder.</summary>
    public void Create()
    {
        foreach (string folder in (string[])[Root, Results, Inputs, Jobs, Hidden])
        {
            if (OperatingSystem.IsWindows())
            {
                Directory.CreateDirectory(folder);
            }
            else
            {
                Directory.CreateDirectory(folder, OwnerOnly);
            }
        }
    }

    /// <summary>Takes the folder for this process.</summary>
    /// <param name="option">What names it on the command line.</param>
    /// <returns>Gives it back when it is disposed, or when the process ends in whatever way.</returns>
    /// <exception cref="IOException">Another process has it.</exception>
    public FileStream Lock(string option) =>
        TryLock() ?? throw new IOException($"{option} {Root}: another vmsim uses this folder");

    /// <summary>Takes the folder for this process if no other one has it.</summary>
    /// <returns>As for <see cref="Lock"/>; null if another process has it.</returns>
    public FileStream? TryLock()
    {
        try
        {
            return new FileStream(Path.Combine(Root, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException reason) when (!JobWorker.IsDiskFull(reason))
        {
            return null;
        }
    }

    /// <summary>The folder of a result.</summary>
    /// <param name="digest">Digest of its run.</param>
    public string ResultOf(string digest) => Path.Combine(Results, Hex(digest, RunDigest.Length));

    /// <summary>The file of a trace.</summary>
    /// <param name="digest">SHA-256 of its bytes.</param>
    /// <param name="ending">How its name ends, which says its form.</param>
    public string InputOf(string digest, string ending) => Path.Combine(Inputs, Hex(digest, 2 * SHA256.HashSizeInBytes) + ending);

    /// <summary>The folder of a job while it is made.</summary>
    public string FolderOf(long job) => Path.Combine(Jobs, job.ToString(CultureInfo.InvariantCulture));

    /// <summary>The last checkpoint of a job.</summary>
    public string CheckpointOf(long job) => Path.Combine(FolderOf(job), "run.checkpoint");

    /// <summary>Removes what a job needs no more.</summary>
    public void Clear(long job)
    {
        string folder = FolderOf(job);
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Removes a result that is kept elsewhere.</summary>
    /// <param name="digest">Digest of its run; empty for none.</param>
    public void ClearResult(string digest)
    {
        if (digest.Length > 0 && Directory.Exists(ResultOf(digest)))
        {
            Directory.Delete(ResultOf(digest), recursive: true);
        }
    }

    /// <summary>Says that a result is used, so that it is not removed soon.</summary>
    /// <returns>Whether it is there, whole.</returns>
    public bool UseResult(string digest, DateTimeOffset now) => TryTouch(ReportOf(ResultOf(digest)), now);

    /// <summary>Bytes of a result's files; 0 if there is none.</summary>
    public long BytesOfResult(string digest)
    {
        DirectoryInfo folder = new(ResultOf(digest));
        return folder.Exists ? folder.EnumerateFiles().Sum(file => file.Length) : 0;
    }

    /// <summary>
    /// Hides a result, unless it was used after a time; who uses it at the same moment finds it whole or not at all. What is not whole is
    /// not touched: somebody may be writing it.
    /// </summary>
    /// <param name="digest">Digest of its run.</param>
    /// <param name="time">The time, in milliseconds since 1970.</param>
    /// <returns>When it was used last; null if it is hidden, or there was none.</returns>
    public long? HideUnlessUsedAfter(string digest, long time)
    {
        string place = ResultOf(digest);
        string hidden = Path.Combine(Hidden, digest);
        if (LastUse(place) is not { } used)
        {
            return null;
        }

        if (used > time)
        {
            return used;
        }

        if (Directory.Exists(hidden))
        {
            Directory.Delete(hidden, recursive: true);
        }

        Directory.Move(place, hidden);
        if (LastUse(hidden) is not { } late || late <= time || Directory.Exists(place))
        {
            return null;
        }

        // Somebody has touched it between the look and the move, and takes it for his.
        Directory.Move(hidden, place);
        return late;
    }

    /// <summary>Deletes the files of results that are hidden.</summary>
    public void ClearHidden()
    {
        foreach (string folder in Directory.GetDirectories(Hidden))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Traces that nobody has used since a time.</summary>
    public IEnumerable<string> InputsBefore(DateTimeOffset time) => new DirectoryInfo(Inputs).EnumerateFiles()
        .Where(file => file.LastWriteTimeUtc < time.UtcDateTime).Select(file => file.FullName);

    /// <summary>Removes a trace, unless it was used since a time.</summary>
    /// <returns>Whether it is removed.</returns>
    public bool TryRemoveInput(string file, DateTimeOffset time)
    {
        if (Path.GetDirectoryName(file) != Inputs || !File.Exists(file) || File.GetLastWriteTimeUtc(file) >= time.UtcDateTime)
        {
            return false;
        }

        File.Delete(file);
        return true;
    }

    /// <summary>Says that a file is used.</summary>
    /// <returns>Whether it is there.</returns>
    public static bool TryTouch(string file, DateTimeOffset now)
    {
        try
        {
            File.SetLastWriteTimeUtc(file, now.UtcDateTime);
            return true;
        }
        catch (Exception reason) when (reason is FileNotFoundException or DirectoryNotFoundException)
        {
            return false;
        }
    }

    private static string ReportOf(string folder) => Path.Combine(folder, RunFolder.ReportName);

    /// <summary>When a result was written or touched last, in milliseconds since 1970; null if it is not whole.</summary>
    private static long? LastUse(string folder)
    {
        FileInfo report = new(ReportOf(folder));
        return report.Exists ? new DateTimeOffset(report.LastWriteTimeUtc, TimeSpan.Zero).ToUnixTimeMilliseconds() : null;
    }

    /// <summary>Removes what jobs of a process that has ended have left.</summary>
    public void ClearJobs()
    {
        foreach (string folder in Directory.GetDirectories(Jobs))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Whether a text is so many lower-case hex digits.</summary>
    public static bool IsHex(string text, int length) =>
        text.Length == length && text.All(letter => letter is (>= '0' and <= '9') or (>= 'a' and <= 'f'));

    private static string Hex(string digest, int length) =>
        IsHex(digest, length) ? digest : throw new ArgumentException($"\"{digest}\" is no digest", nameof(digest));
}
