using System.Security.Cryptography;
using VmSim.Actors.Configuration;
using VmSim.Host.Files;

namespace VmSim.Host.Service;

/// <summary>Files that come with jobs, by the SHA-256 of their bytes: one that is there is whole, and is what its name says.</summary>
/// <param name="store">The store.</param>
internal sealed class InputStore(StoreFolder store)
{
    private const int BufferBytes = 1 << 17;

    /// <summary>What is wrong with a name of a trace; null if nothing is.</summary>
    public static string? Problem(string digest, string ending) =>
        !StoreFolder.IsHex(digest, 2 * SHA256.HashSizeInBytes) ? "a SHA-256 in lower-case hex digits is needed"
        : !TraceFiles.Endings.Contains(ending, StringComparer.Ordinal)
            ? $"ending: a trace ends with {string.Join(", ", TraceFiles.Endings)}"
        : null;

    /// <summary>Whether a file is there, which is used then, so that it is not removed before a job needs it.</summary>
    public bool Has(InputName input) => StoreFolder.TryTouch(
        store.InputOf(input.Digest, StoredFiles.EndingOf(input.Path)), TimeProvider.System.GetUtcNow());

    /// <summary>Takes a file in.</summary>
    /// <param name="digest">SHA-256 of its bytes.</param>
    /// <param name="ending">How its name ends.</param>
    /// <param name="bytes">Its bytes.</param>
    /// <param name="cancellation">Ends the transfer; nothing stays.</param>
    /// <returns>What is wrong with it; null if nothing is.</returns>
    public async Task<string?> PutAsync(string digest, string ending, Stream bytes, CancellationToken cancellation)
    {
        using OutputFile file = new(store.InputOf(digest, ending), "input");
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[BufferBytes];
        long length = 0;
        int count;
        while ((count = await bytes.ReadAsync(buffer, cancellation)) > 0)
        {
            length += count;
            if (length > JobLimits.InputBytesMax)
            {
                return $"more than {JobLimits.InputBytesMax} bytes found";
            }

            hash.AppendData(buffer, 0, count);
            await file.Stream.WriteAsync(buffer.AsMemory(0, count), cancellation);
        }

        string found = Convert.ToHexStringLower(hash.GetHashAndReset());
        if (found != digest)
        {
            return $"bytes with SHA-256 {found} found; those with {digest} are needed";
        }

        file.Prepare();
        file.Complete();
        return null;
    }
}
