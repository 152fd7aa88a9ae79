using System.Text;

namespace VmSim.Core.Mapping.Scripts;

/// <summary>
/// Reads texts that people write line by line. A line that is too long is an error: a device may have no end, and no line.
/// </summary>
public static class TextLines
{
    /// <summary>The longest line in characters, as of traces.</summary>
    public const int MaxLength = 65_536;

    /// <summary>The next line without its end, as <see cref="TextReader.ReadLine"/> gives it; null at the end.</summary>
    /// <param name="reader">The text.</param>
    /// <param name="tooLong">Makes the error from a sentence.</param>
    public static string? Read(TextReader reader, Func<string, Exception> tooLong)
    {
        ArgumentNullException.ThrowIfNull(reader);
        ArgumentNullException.ThrowIfNull(tooLong);
        StringBuilder line = new();
        for (int next; (next = reader.Read()) >= 0;)
        {
            if (next is '\n' or '\r')
            {
                if (next == '\r' && reader.Peek() == '\n')
                {
                    _ = reader.Read();
                }

                return line.ToString();
            }

            if (line.Length == MaxLength)
            {
                throw tooLong($"more than {MaxLength:N0} characters found; a line has at most as many");
            }

            line.Append((char)next);
        }

        return line.Length > 0 ? line.ToString() : null;
    }
}
