using System.Text;

namespace VmSim.CoverageFuzz;

/// <summary>
/// An input of a reader that is given settings and other files as well: lines "%%set key=value" first, then the main file, then others,
/// each behind a line "%%file NAME". An input without such lines is the main file alone.
/// </summary>
public sealed class FuzzInput
{
    private static readonly byte[] SetMark = Encoding.ASCII.GetBytes("%%set ");
    private static readonly byte[] FileMark = Encoding.ASCII.GetBytes("\n%%file ");

    private FuzzInput(byte[] main) => Main = main;

    /// <summary>The file that the reader is given.</summary>
    public byte[] Main { get; private set; }

    /// <summary>Settings, each key and value.</summary>
    public List<KeyValuePair<string, string>> Settings { get; } = [];

    /// <summary>Other files, by name.</summary>
    public Dictionary<string, byte[]> Files { get; } = new(StringComparer.Ordinal);

    /// <summary>Takes an input apart.</summary>
    public static FuzzInput Of(byte[] input)
    {
        ArgumentNullException.ThrowIfNull(input);
        ReadOnlySpan<byte> rest = input;
        FuzzInput parts = new([]);
        while (rest.StartsWith(SetMark) && rest.IndexOf((byte)'\n') is > 0 and int end)
        {
            string set = Encoding.UTF8.GetString(rest[SetMark.Length..end]);
            int equals = set.IndexOf('=', StringComparison.Ordinal);
            parts.Settings.Add(equals < 0 ? new(set, "") : new(set[..equals], set[(equals + 1)..]));
            rest = rest[(end + 1)..];
        }

        string? name = null;
        while (true)
        {
            int mark = rest.IndexOf(FileMark);
            parts.Put(name, mark < 0 ? rest : rest[..(mark + 1)]);
            if (mark < 0)
            {
                return parts;
            }

            rest = rest[(mark + FileMark.Length)..];
            int line = rest.IndexOf((byte)'\n');
            name = Encoding.UTF8.GetString(line < 0 ? rest : rest[..line]);
            rest = line < 0 ? [] : rest[(line + 1)..];
        }
    }

    /// <summary>Another file as a stream; null if there is none.</summary>
    public Stream? OpenIfThere(string name) => Files.TryGetValue(name, out byte[]? bytes) ? new MemoryStream(bytes, writable: false) : null;

    private void Put(string? name, ReadOnlySpan<byte> bytes)
    {
        if (name is null)
        {
            Main = bytes.ToArray();
        }
        else
        {
            Files[name] = bytes.ToArray();
        }
    }
}
