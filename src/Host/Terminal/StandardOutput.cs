using System.Runtime.InteropServices;
using System.Text;

namespace VmSim.Host.Terminal;

/// <summary>
/// Standard output or standard error. What is wrong with it is named in the message when it cannot be written, as when it is closed or the
/// disk behind it is full.
/// </summary>
/// <param name="descriptor">1 for standard output, 2 for standard error.</param>
/// <param name="plain">Whether control characters become question marks but for ends of lines and tabs.</param>
internal sealed class StandardOutput(int descriptor = 1, bool plain = false) : WriteOnlyStream
{
    private readonly Stream? _stream = OperatingSystem.IsWindows()
        ? descriptor == 1 ? Console.OpenStandardOutput() : Console.OpenStandardError()
        : null;

    /// <summary>A writer that holds nothing back.</summary>
    /// <param name="descriptor">1 for standard output, 2 for standard error.</param>
    public static TextWriter Writer(int descriptor) =>
        new StreamWriter(new StandardOutput(descriptor), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true };

    /// <summary>Standard output as it is, or without control characters where a terminal shows it.</summary>
    public static Stream Plain() => new StandardOutput(plain: !Console.IsOutputRedirected);

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        ReadOnlySpan<byte> bytes = plain ? PlainOf(buffer) : buffer;
        if (_stream is not null)
        {
            _stream.Write(bytes);
            return;
        }

        int error = NativeProcess.Write(descriptor, bytes);
        if (error == NativeProcess.BrokenPipe)
        {
            throw new ReaderGoneException();
        }

        if (error != 0)
        {
            string reason = error == NativeProcess.BadDescriptor ? "it is closed" : Marshal.GetPInvokeErrorMessage(error);
            throw new IOException($"standard {(descriptor == 1 ? "output" : "error")} cannot be written: {reason}");
        }
    }

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <summary>
    /// Text in UTF-8 with question marks in the place of control characters: bytes of C0, and the characters that
    /// <see cref="PlainWriter"/> does not let pass either, which two or three bytes stand for. A piece may end within a character: if that
    /// may be one of them, its beginning becomes a question mark too.
    /// </summary>
    internal static byte[] PlainOf(ReadOnlySpan<byte> text)
    {
        byte[] bytes = text.ToArray();
        for (int i = 0; i < bytes.Length; i++)
        {
            int length = LengthOf(bytes.AsSpan(i));
            if (length > 0)
            {
                bytes.AsSpan(i, length).Fill((byte)'?');
            }
        }

        return bytes;
    }

    /// <summary>Bytes of the control character that a text begins with; 0 if it begins with none.</summary>
    private static int LengthOf(ReadOnlySpan<byte> text) => text switch
    {
        [(byte)'\n' or (byte)'\t', ..] => 0,
        [< 0x20 or 0x7F, ..] => 1,
        [0xC2, >= 0x80 and <= 0x9F, ..] => 2,
        [0xD8, 0x9C, ..] => 2,
        [0xE2, 0x80, 0x8E or 0x8F or (>= 0xAA and <= 0xAE), ..] => 3,
        [0xE2, 0x81, >= 0xA6 and <= 0xA9, ..] => 3,
        [0xC2 or 0xD8 or 0xE2] => 1,
        [0xE2, 0x80 or 0x81] => 2,
        _ => 0,
    };
}
