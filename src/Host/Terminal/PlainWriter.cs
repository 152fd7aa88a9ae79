using System.Text;

namespace VmSim.Host.Terminal;

/// <summary>
/// A writer through which no control character passes but ends of lines and tabs: what traces, scenarios, reports and paths call things
/// cannot steer a terminal. Each becomes a question mark.
/// </summary>
/// <param name="inner">Where the text goes.</param>
/// <param name="mayFail">Whether what cannot be written is passed over: messages that nobody hears change nothing.</param>
internal sealed class PlainWriter(TextWriter inner, bool mayFail = false) : TextWriter
{
    /// <inheritdoc/>
    public override Encoding Encoding => inner.Encoding;

    /// <summary>The writer below, for those that write no names: a status line, colours.</summary>
    public static TextWriter Below(TextWriter writer) => writer is PlainWriter plain ? plain.Inner : writer;

    /// <summary>Whether a writer is another, or this one over it.</summary>
    public static bool IsOver(TextWriter writer, TextWriter other) => ReferenceEquals(Below(writer), other);

    /// <summary>A text without control characters.</summary>
    public static string Plain(string text) =>
        text.AsSpan().IndexOfAnyInRange('\0', '\x1F') < 0 && !text.Any(IsControl) ? text : string.Concat(text.Select(Plain));

    /// <summary>A text without control characters and ends of lines: a name that stays on its line.</summary>
    public static string Line(string text) => Plain(text).Replace('\n', '?');

    private TextWriter Inner => inner;

    /// <inheritdoc/>
    public override void Write(char value) => Pass(Plain(value).ToString());

    /// <inheritdoc/>
    public override void Write(string? value) => Pass(Plain(value ?? ""));

    /// <inheritdoc/>
    public override void Write(char[] buffer, int index, int count) => Pass(Plain(new string(buffer, index, count)));

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<char> buffer) => Pass(Plain(buffer.ToString()));

    /// <inheritdoc/>
    public override void WriteLine(string? value) => Pass(Plain(value ?? "") + "\n");

    /// <inheritdoc/>
    public override void WriteLine() => Pass("\n");

    /// <inheritdoc/>
    public override Task WriteAsync(string? value)
    {
        Write(value);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override Task WriteLineAsync(string? value)
    {
        WriteLine(value);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override void Flush() => inner.Flush();

    private static char Plain(char character) => IsControl(character) ? '?' : character;

    /// <summary>
    /// Control characters of C0 and C1, and those that change the direction of what follows (Unicode's Bidi_Control), which hide what a
    /// name says.
    /// </summary>
    private static bool IsControl(char character) =>
        (char.IsControl(character) && character is not ('\n' or '\t'))
        || character is (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069') or '\u200E' or '\u200F' or '\u061C';

    private void Pass(string text)
    {
        try
        {
            inner.Write(text);
        }
        catch (IOException) when (mayFail)
        {
            // Standard error is closed or full; there is no other place to say so.
        }
    }
}
