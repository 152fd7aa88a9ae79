using VmSim.Host.Terminal;

namespace VmSim.Host.Service;

/// <summary>
/// The token of the user whose store it is: in a file that nobody else may read, so that his command line needs to be told nothing.
/// </summary>
internal static class OwnToken
{
    private const string Name = "local";

    /// <summary>A token is 64 characters and an end of line.</summary>
    private const int BytesMax = 256;

    /// <summary>Makes the token if there is none.</summary>
    public static void Require(StoreFolder store)
    {
        if (!File.Exists(store.OwnToken))
        {
            TokenFile.WritePrivate(store.OwnToken, TokenFile.Add(store.Tokens, Name, Role.Operator) + "\n");
        }
    }

    /// <summary>Reads a token from a file.</summary>
    /// <exception cref="IOException">There is none.</exception>
    public static string Read(string path)
    {
        if (!File.Exists(path))
        {
            throw new IOException(
                $"{path}: there is no such file; vmsim serve writes one into its --store, or name another: --token-file FILE");
        }

        return new FileInfo(path).Length <= BytesMax
            ? File.ReadAllText(path).Trim()
            : throw new UsageException($"{path}: a token has 64 characters; this file is longer");
    }
}
