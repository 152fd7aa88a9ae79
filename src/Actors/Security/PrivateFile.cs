using System.Security.Cryptography;
using System.Text;

namespace VmSim.Actors.Security;

/// <summary>Files that hold keys: only their owner may read them, from the moment they exist.</summary>
internal static class PrivateFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>That of any new file, of which the user's mask takes what it takes.</summary>
    private const UnixFileMode Ordinary = OwnerOnly
        | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>Most bytes of a file of certificates and keys: three of them, with room for comments.</summary>
    private const int BytesMax = 64 << 10;

    /// <summary>Makes a folder that only its owner may enter; one that exists stays as it is.</summary>
    public static void CreateFolder(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute);
        }
    }

    /// <summary>Makes sure that a file can be made.</summary>
    /// <exception cref="CertificateException">There is a file of this name already.</exception>
    public static void RequireNone(string path)
    {
        if (File.Exists(path))
        {
            throw new CertificateException(
                $"{path}: exists already, and is not overwritten: whoever uses it would be shut out; take another name or folder");
        }
    }

    /// <summary>Writes a new file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="text">What it holds.</param>
    /// <param name="isPublic">Whether anybody may read it: it holds no key.</param>
    /// <exception cref="CertificateException">There is a file of this name already.</exception>
    public static void Create(string path, string text, bool isPublic = false)
    {
        RequireNone(path);
        Write(path, text, isPublic ? Ordinary : OwnerOnly);
    }

    /// <summary>Puts a new file into the place of an old one at once: a reader finds the one or the other, whole.</summary>
    /// <exception cref="CertificateException">It is a link: what it leads to is not to be replaced.</exception>
    public static void Replace(string path, string text)
    {
        if (new FileInfo(path).LinkTarget is { } target)
        {
            throw new CertificateException($"{path}: this is a link to {target}; name the file itself");
        }

        string aside = $"{path}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}";
        try
        {
            Write(aside, text, OwnerOnly);
            File.Move(aside, path, overwrite: true);
        }
        finally
        {
            File.Delete(aside);
        }
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="CertificateException">There is none, it is too long, or others than its owner may read it.</exception>
    public static string Read(string path)
    {
        if (!File.Exists(path))
        {
            throw new CertificateException($"{path}: there is no such file; vmsim certs makes certificates (docs/security.md)");
        }

        using FileStream stream = File.OpenRead(path);
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(stream.SafeFileHandle) & Others) != 0)
        {
            throw new CertificateException(
                $"{path}: others than its owner may use this file, which holds a key; only the owner may: chmod 600 {path}");
        }

        if (!stream.CanSeek)
        {
            throw new CertificateException($"{path}: a pipe or a device; a file is needed");
        }

        if (stream.Length > BytesMax)
        {
            throw new CertificateException($"{path}: {stream.Length} bytes found; a file of certificates has at most {BytesMax}");
        }

        using StreamReader reader = new(stream);
        return reader.ReadToEnd();
    }

    private static void Write(string path, string text, UnixFileMode mode)
    {
        FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = mode;
        }

        using FileStream stream = new(path, options);
        try
        {
            stream.Write(Encoding.ASCII.GetBytes(text));
            stream.Flush(flushToDisk: true);
        }
        catch (IOException)
        {
            // A part of a key would stand in the way of the next attempt.
            File.Delete(path);
            throw;
        }
    }
}
