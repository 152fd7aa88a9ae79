using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace VmSim.Host.Files;

/// <summary>What kind of thing a path names.</summary>
internal enum FileKind
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>A regular file.</summary>
    Regular,

    /// <summary>A folder.</summary>
    Folder,

    /// <summary>A symbolic link.</summary>
    Link,

    /// <summary>A pipe, a socket, or a device that takes characters one after another.</summary>
    Stream,

    /// <summary>A disk.</summary>
    Disk,
}

/// <summary>What a path names, as the kernel says it.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Owner">Number of its owner.</param>
/// <param name="Mode">Its permissions.</param>
/// <param name="Identity">Device and number of the file: equal for two names of one file.</param>
internal readonly record struct FileStatus(FileKind Kind, uint Owner, UnixFileMode Mode, (uint Major, uint Minor, ulong Number) Identity)
{
    /// <summary>Finds out what a path names.</summary>
    /// <param name="path">The path.</param>
    /// <param name="follows">Whether a symbolic link stands for what it leads to.</param>
    public static FileStatus Of(string path, bool follows = true)
    {
        if (!OperatingSystem.IsLinux())
        {
            FileKind kind = Directory.Exists(path) ? FileKind.Folder
                : !follows && new FileInfo(path).LinkTarget is not null ? FileKind.Link
                : File.Exists(path) ? FileKind.Regular
                : FileKind.None;
            return new FileStatus(kind, 0, default, default);
        }

        Span<byte> found = stackalloc byte[NativeFiles.StatusBytes];
        int flags = follows ? 0 : NativeFiles.DoNotFollow;
        return NativeFiles.Status(NativeFiles.WorkingFolder, path, flags, NativeFiles.BasicFields, found) == 0 ? Read(found) : default;
    }

    /// <summary>Whether only its owner, who is this user, may change it.</summary>
    public bool IsOurs => !OperatingSystem.IsLinux()
        || (Owner == NativeFiles.User() && (Mode & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) == 0);

    /// <summary>struct statx of include/uapi/linux/stat.h, whose fields stand at the same places on every machine.</summary>
    private static FileStatus Read(ReadOnlySpan<byte> found)
    {
        int mode = BinaryPrimitives.ReadUInt16LittleEndian(found[28..]);
        FileKind kind = (mode & 0xF000) switch
        {
            0x8000 => FileKind.Regular,
            0x4000 => FileKind.Folder,
            0xA000 => FileKind.Link,
            0x6000 => FileKind.Disk,
            _ => FileKind.Stream,
        };
        return new FileStatus(
            kind,
            BinaryPrimitives.ReadUInt32LittleEndian(found[20..]),
            (UnixFileMode)(mode & 0xFFF),
            (BinaryPrimitives.ReadUInt32LittleEndian(found[136..]),
                BinaryPrimitives.ReadUInt32LittleEndian(found[140..]),
                BinaryPrimitives.ReadUInt64LittleEndian(found[32..])));
    }
}

/// <summary>Calls of the C library that .NET has no names for.</summary>
internal static partial class NativeFiles
{
    /// <summary>Bytes of struct statx.</summary>
    public const int StatusBytes = 256;

    /// <summary>AT_FDCWD.</summary>
    public const int WorkingFolder = -100;

    /// <summary>AT_SYMLINK_NOFOLLOW.</summary>
    public const int DoNotFollow = 0x100;

    /// <summary>STATX_BASIC_STATS.</summary>
    public const uint BasicFields = 0x7FF;

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Status(int folder, string path, int flags, uint mask, Span<byte> status);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    public static partial uint User();
}
