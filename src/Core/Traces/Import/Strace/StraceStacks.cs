using System.Globalization;
using System.Text;
using VmSim.Core.Programs;

namespace VmSim.Core.Traces.Import.Strace;

/// <summary>
/// The stacks that strace -k prints behind a call: a line for each frame, the innermost first, such as
/// <c> > /usr/lib/libc.so.6(munmap+0xb) [0x11dd7b]</c> (print_call_cb in src/unwind.c), with its source line behind it under -kk.
/// </summary>
internal sealed class StraceStacks(ImportSummary summary, ImportOptions options)
{
    /// <summary>Frames whose descriptions are kept: more than programs have; a log may have any number.</summary>
    private const int FramesKept = 1 << 16;

    private readonly Dictionary<(string Text, bool IsInner), string> _frames = [];

    /// <summary>Reads the stack behind the line last read, if there is one.</summary>
    /// <returns>Its frames; null where there are none, or nobody wants them.</returns>
    public string[]? Read(LineReader lines)
    {
        List<string>? frames = null;
        while (lines.TryPeek(out ReadOnlySpan<byte> next) && IsFrame(next) && lines.TryRead(out ReadOnlySpan<byte> line))
        {
            summary.Lines++;
            frames ??= [];
            if (options.Stacks && frames.Count < CallSite.FramesMax)
            {
                frames.Add(FrameOf(Encoding.UTF8.GetString(line[3..]), isInner: frames.Count == 0));
            }
        }

        return frames is { Count: > 0 } ? [.. frames] : null;
    }

    /// <summary>Whether a line is a frame: it has an address in brackets, which what a program writes hardly does.</summary>
    public static bool IsFrame(ReadOnlySpan<byte> line)
    {
        int address = line.StartsWith(" > "u8) ? line.LastIndexOf(" [0x"u8) : -1;
        return address >= 0 && line[address..].Contains((byte)']');
    }

    /// <summary>A frame as traces have it. What stands in the log as one is looked up once.</summary>
    private string FrameOf(string text, bool isInner)
    {
        if (!_frames.TryGetValue((text, isInner), out string? frame))
        {
            frame = Describe(text, isInner);
            if (_frames.Count >= FramesKept)
            {
                _frames.Clear();
            }

            _frames.Add((text, isInner), frame);
        }

        return frame;
    }

    private string Describe(string text, bool isInner)
    {
        int addressAt = text.LastIndexOf(" [0x", StringComparison.Ordinal);
        int close = addressAt < 0 ? -1 : text.LastIndexOf(')', addressAt);
        int open = close < 0 ? -1 : text.LastIndexOf('(', close);
        int end = open < 0 ? -1 : text.IndexOf(']', addressAt);
        ReadOnlySpan<char> digits = end < 0 ? default : text.AsSpan(addressAt + 4, end - addressAt - 4);
        if (!ulong.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong address))
        {
            return text;
        }

        string module = text[..open];
        string symbol = text[(open + 1)..close];
        int plus = symbol.LastIndexOf("+0x", StringComparison.Ordinal);
        string function = plus > 0 ? symbol[..plus] : symbol.Length > 0 ? symbol : "??";

        // The return address of a caller lies behind the call, perhaps on the next line; strace -kk says which line it is.
        string line = text[(end + 1)..].Trim();
        string? source = line.Length > 0
            ? line[(line.LastIndexOf('/') + 1)..]
            : options.SourceLine?.Invoke(module, isInner || address == 0 ? address : address - 1);
        source ??= $"{module[(module.LastIndexOf('/') + 1)..]}+0x{address:x}";
        return $"{function} {source.Replace(' ', '_')}";
    }
}
