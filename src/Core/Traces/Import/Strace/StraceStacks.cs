using System.Globalization;
using System.Text;
using VmSim.Core.Programs;

namespace VmSim.Core.Traces.Import.Strace;

/// <summary>
/// The stacks that strace -k prints behind a call: a line for each frame, the innermost first, such as
/// <c> > /usr/lib/libc.so.6(munmap+0xb) [0x11dd7b]</c> (print_call_cb in src/unwind.c).
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
        while (lines.IsNext(" > "u8) && lines.TryRead(out ReadOnlySpan<byte> line))
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
        if (open < 0 || !ulong.TryParse(
            text.AsSpan(addressAt + 4).TrimEnd(']'), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong address))
        {
            return text;
        }

        string module = text[..open];
        string symbol = text[(open + 1)..close];
        int plus = symbol.LastIndexOf("+0x", StringComparison.Ordinal);
        string function = plus > 0 ? symbol[..plus] : symbol.Length > 0 ? symbol : "??";

        // The return address of a caller lies behind the call, perhaps on the next line.
        string source = options.SourceLine?.Invoke(module, isInner || address == 0 ? address : address - 1)
            ?? $"{module[(module.LastIndexOf('/') + 1)..]}+0x{address:x}";
        return $"{function} {source}";
    }
}
