using System.Security.Cryptography;
using System.Text;

namespace VmSim.Host.Service;

/// <summary>By what the service knows, without reading a scenario, that it was asked for the same before.</summary>
internal static class RequestDigest
{
    /// <summary>SHA-256 over the build, the text of the scenario, and names and digests of its files, as lower-case hex digits.</summary>
    /// <param name="run">What is asked for.</param>
    /// <param name="build">The build that is to make it.</param>
    public static string Of(RunRequest run, string build)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(build);
        Append(run.Scenario);
        foreach (InputName input in run.Inputs.OrderBy(input => input.Path, StringComparer.Ordinal))
        {
            Append(input.Path);
            Append(input.Digest);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());

        void Append(string text)
        {
            // With its length before it, no text runs into the next.
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            hash.AppendData(BitConverter.GetBytes(bytes.Length));
            hash.AppendData(bytes);
        }
    }
}
