using System.Security.Cryptography;
using System.Text;
using VmSim.Host.Files;
using VmSim.Host.Terminal;

namespace VmSim.Host.Service;

/// <summary>
/// The file that says whose token is which: a line for each with name, role and the SHA-256 of the token, so that who reads the file learns
/// no token. A service reads it anew when it has changed.
/// </summary>
/// <param name="path">The file.</param>
internal sealed class TokenFile(string path)
{
    private const int TokenBytes = 32;
    private const int NameMax = 64;

    /// <summary>A file of tokens is short; what is longer is something else.</summary>
    private const long BytesMax = 1 << 20;

    private readonly Lock _gate = new();
    private (DateTime Changed, long Length) _read;
    private Dictionary<string, TokenHolder> _holders = new(StringComparer.Ordinal);

    /// <summary>Who holds a token; null if nobody does.</summary>
    /// <param name="token">The token. Only its digest is looked up, so that the time it takes tells nothing of tokens that count.</param>
    public TokenHolder? Find(string token)
    {
        lock (_gate)
        {
            FileInfo file = new(path);
            (DateTime, long) state = file.Exists ? (file.LastWriteTimeUtc, file.Length) : default;
            if (state != _read)
            {
                _holders = Read(path);
                _read = state;
            }

            return _holders.GetValueOrDefault(DigestOf(token));
        }
    }

    /// <summary>The holders by name.</summary>
    public static IEnumerable<TokenHolder> List(string path) => Read(path).Values.OrderBy(holder => holder.Name, StringComparer.Ordinal);

    /// <summary>Makes a token for somebody; one that he had counts no more.</summary>
    /// <returns>The token, which is kept nowhere.</returns>
    /// <exception cref="UsageException">The name is not allowed.</exception>
    public static string Add(string path, string name, Role role)
    {
        RequireName(name);
        Dictionary<string, TokenHolder> holders = Without(Read(path), name);
        string token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(TokenBytes));
        holders[DigestOf(token)] = new TokenHolder(name, role);
        Write(path, holders);
        return token;
    }

    /// <summary>Takes somebody's token back.</summary>
    /// <returns>Whether he had one.</returns>
    public static bool Remove(string path, string name)
    {
        Dictionary<string, TokenHolder> holders = Read(path);
        Dictionary<string, TokenHolder> others = Without(holders, name);
        if (others.Count < holders.Count)
        {
            Write(path, others);
        }

        return others.Count < holders.Count;
    }

    /// <summary>Writes a file that only its owner may read, from its first moment on; it appears whole.</summary>
    public static void WritePrivate(string path, string text)
    {
        string aside = Path.Combine(Path.GetDirectoryName(path)!, OutputFile.AsideOf(Path.GetFileName(path)));
        FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        try
        {
            using (FileStream stream = new(aside, options))
            {
                stream.Write(Encoding.UTF8.GetBytes(text));
                stream.Flush(flushToDisk: true);
            }

            File.Move(aside, path, overwrite: true);
        }
        finally
        {
            File.Delete(aside);
        }
    }

    private static string DigestOf(string token) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)));

    private static Dictionary<string, TokenHolder> Without(Dictionary<string, TokenHolder> holders, string name) =>
        new(holders.Where(holder => holder.Value.Name != name), StringComparer.Ordinal);

    private static void Write(string path, Dictionary<string, TokenHolder> holders) => WritePrivate(
        path,
        string.Concat(holders.OrderBy(holder => holder.Value.Name, StringComparer.Ordinal).Select(
            holder => $"{holder.Value.Name} {holder.Value.Role.ToString().ToLowerInvariant()} {holder.Key}\n")));

    private static Dictionary<string, TokenHolder> Read(string path)
    {
        Dictionary<string, TokenHolder> holders = new(StringComparer.Ordinal);
        FileInfo file = new(path);
        if (!file.Exists)
        {
            return holders;
        }

        if (file.Length > BytesMax)
        {
            throw new IOException($"{path}: {file.Length} bytes found; a file of tokens has at most {BytesMax}");
        }

        int number = 0;
        foreach (string line in File.ReadLines(path))
        {
            number++;
            string[] words = line.Split(' ');
            bool isWhole = words.Length == 3 && StoreFolder.IsHex(words[2], 2 * SHA256.HashSizeInBytes);
            if (!isWhole || !Enum.TryParse(words[1], ignoreCase: true, out Role role) || !Enum.IsDefined(role))
            {
                throw new IOException($"{path}:{number}: a name, a role and a SHA-256 are needed; vmsim tokens writes this file");
            }

            holders[words[2]] = new TokenHolder(words[0], role);
        }

        return holders;
    }

    private static void RequireName(string name)
    {
        if (name.Length is 0 or > NameMax || !name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.'))
        {
            throw new UsageException($"\"{name}\" found; a name has 1 to {NameMax} letters, digits, and any of - _ . in it");
        }
    }
}
