using System.Text;
using VmSim.Core.Traces;

namespace VmSim.CoverageFuzz;

/// <summary>Small valid inputs: files of the tests, of which long logs give their beginnings.</summary>
internal static class SeedFiles
{
    /// <summary>Most bytes of the beginning of a text. A short input is run more often, and each of its bytes is changed sooner.</summary>
    private const int TextBytesMax = 3_000;

    /// <summary>The seeds of a folder, in the order of their names.</summary>
    public static IEnumerable<byte[]> Of(string folder)
    {
        string path = Path.Combine(AppContext.BaseDirectory, "Seeds", folder);
        return Directory.Exists(path) ? Directory.GetFiles(path).Order(StringComparer.Ordinal).Select(Read) : [];
    }

    /// <summary>A text as bytes.</summary>
    public static byte[] Text(string text) => Encoding.UTF8.GetBytes(text);

    private static byte[] Read(string path)
    {
        using FileStream file = File.OpenRead(path);
        using Stream unpacked = TraceStreams.Unpack(file);
        using MemoryStream bytes = new();
        unpacked.CopyTo(bytes);
        byte[] all = bytes.ToArray();
        bool isText = Array.IndexOf(all, (byte)0) < 0;
        return isText && all.Length > TextBytesMax ? all[..(Array.LastIndexOf(all, (byte)'\n', TextBytesMax) + 1)] : all;
    }
}
