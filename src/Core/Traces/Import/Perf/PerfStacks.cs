using System.Text;
using VmSim.Core.Programs;

namespace VmSim.Core.Traces.Import.Perf;

/// <summary>
/// The call chains that perf script prints behind an event recorded with -g: a line for each frame, the innermost first, the kernel's
/// frames before the program's, such as <c>    11dd7b munmap+0xb (/usr/lib/libc.so.6)</c> (tools/perf/util/evsel_fprintf.c,
/// sample__fprintf_callchain).
/// </summary>
/// <remarks>
/// The address of a frame is that in its file, and the program's own in older versions and where perf knows no file. Addresses in files
/// are smaller than any at which programs are mapped.
/// </remarks>
/// <param name="parent">The process that forked this one, whose mappings it has; null for none.</param>
/// <param name="options">How to import.</param>
internal sealed class PerfStacks(PerfStacks? parent, ImportOptions options)
{
    /// <summary>Mappings of code that are kept: far more than programs have.</summary>
    private const int MappingsKept = 1 << 12;

    /// <summary>Frames whose descriptions are kept.</summary>
    private const int FramesKept = 1 << 16;

    /// <summary>From here on addresses are the kernel's, on every architecture.</summary>
    private const ulong KernelStart = 1UL << 63;

    private readonly List<PerfMapping> _code = [.. parent?._code ?? []];
    private readonly Dictionary<(ulong Address, string Text, bool IsInner), string> _frames = [];

    /// <summary>The process maps a file.</summary>
    public void Mapped(PerfMapping mapping)
    {
        if (!mapping.Path.StartsWith('/') || (mapping.Rights & 4) == 0)
        {
            return;
        }

        if (_code.Count == MappingsKept)
        {
            _code.RemoveAt(0);
        }

        _code.Add(mapping);
        _frames.Clear();
    }

    /// <summary>The process executes a program.</summary>
    public void Execute()
    {
        _code.Clear();
        _frames.Clear();
    }

    /// <summary>Takes a line of the chain behind a call.</summary>
    /// <param name="line">The line, without the blanks before it.</param>
    /// <param name="call">The call.</param>
    public void Take(ReadOnlySpan<byte> line, PerfCall call)
    {
        if (!options.Stacks || call.Frames.Count >= CallSite.FramesMax || !PerfText.TryHex(ref line, out ulong address)
            || address >= KernelStart || line.EndsWith("([kernel.kallsyms])"u8))
        {
            return;
        }

        bool isInner = call.Frames.Count == 0;
        string text = Encoding.UTF8.GetString(line.Trim(" \r"u8));
        if (!_frames.TryGetValue((address, text, isInner), out string? frame))
        {
            frame = Describe(text, address, isInner);
            if (_frames.Count >= FramesKept)
            {
                _frames.Clear();
            }

            _frames.Add((address, text, isInner), frame);
        }

        // A function that is inlined under two names stands there twice.
        if (isInner || call.Frames[^1] != frame)
        {
            call.Frames.Add(frame);
        }
    }

    private string Describe(string text, ulong address, bool isInner)
    {
        int open = text.EndsWith(')') ? text.LastIndexOf(" (", StringComparison.Ordinal) : -1;
        string symbol = open < 0 ? text : text[..open].Trim();
        string module = open < 0 ? "" : text[(open + 2)..^1];
        int plus = symbol.LastIndexOf("+0x", StringComparison.Ordinal);
        string function = plus > 0 ? symbol[..plus] : symbol is "" or "[unknown]" ? "??" : symbol;
        if (text.EndsWith(CallSite.Inlined, StringComparison.Ordinal))
        {
            return $"{function} {CallSite.Inlined}";
        }

        int at = _code.FindLastIndex(mapping => address >= mapping.Start && address - mapping.Start < mapping.Bytes);
        ulong offset = at < 0 ? address : address - _code[at].Start + _code[at].Offset;
        module = at < 0 ? module : _code[at].Path;

        // The return address of a caller lies behind the call, perhaps on the next line.
        string? source = module.StartsWith('/')
            ? options.SourceLine?.Invoke(module, isInner || offset == 0 ? offset : offset - 1)
            : null;
        string name = module.StartsWith('[') ? module : module[(module.LastIndexOf('/') + 1)..];
        source ??= name.Length > 0 ? $"{name}+0x{offset:x}" : $"0x{offset:x}";
        return $"{function} {source.Replace(' ', '_')}";
    }
}
