using System.Buffers;
using System.Buffers.Text;

namespace VmSim.Core.Traces.Import;

/// <summary>Reads the output of <c>strace -f -ttt -y -e trace=memory</c>: memory operations only, without accesses.</summary>
/// <remarks>
/// A line is [PID] [TIME] CALL(ARGUMENTS) = RESULT. Calls cut by others stand on two lines, "unfinished" and "resumed", and are joined.
/// clone with CLONE_THREAD makes a thread; any other makes a process, whose lines are left out with a note, as is what runs before the
/// first exec.
/// </remarks>
public sealed class StraceImporter : ITraceImporter
{
    /// <inheritdoc/>
    public string Name => "strace";

    /// <inheritdoc/>
    public string Summary => "strace -f -ttt -y -e trace=memory (memory operations only)";

    /// <inheritdoc/>
    public ImportSummary Import(Stream log, IVmtSink sink, ImportOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ImportSummary summary = new ImportSummary();
        TraceEmitter emitter = new TraceEmitter(sink, summary, options.Sets);
        emitter.Header(options.Name);
        new Pass(new LineReader(TraceStreams.Unpack(log), options.File), emitter, summary).Run();
        return summary;
    }

    private sealed class Pass(LineReader lines, TraceEmitter emitter, ImportSummary summary)
    {
        private const int MaxProcesses = 65_536;
        private static readonly SearchValues<byte> NameCharacters = SearchValues.Create(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"u8);
        private static readonly SearchValues<byte> TimeCharacters = SearchValues.Create("0123456789.:"u8);
        private readonly Dictionary<long, int> _threads = [];
        private readonly Dictionary<long, byte[]> _unfinished = [];
        private readonly HashSet<long> _others = [];
        private readonly StraceTexts<ulong> _flags = new(StraceValues.Flags);
        private readonly StraceTexts<string> _paths = new(StraceValues.Path);
        private int _nextThread = 1;
        private long _otherLines;
        private bool _hasMain;
        private bool _hasExecuted;

        public void Run()
        {
            while (lines.TryRead(out ReadOnlySpan<byte> line))
            {
                summary.Lines++;
                if (!line.IsEmpty && !Take(line))
                {
                    summary.Drop(lines.LineNumber, LineReader.Printable(line));
                }
            }

            emitter.Finish();
            if (summary.Lines > 0 && summary.Calls.Count == 0 && summary.Dropped > 0)
            {
                throw TraceFormatException.AtLine(
                    lines.File,
                    1,
                    summary.DroppedExamples[0],
                    "strace lines such as 'mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, 3, 0) = 0x7f0000000000'");
            }

            if (_otherLines > 0)
            {
                summary.Notes.Add($"{_otherLines} lines of forked processes are left out; import each process's own log (strace -ff).");
            }
        }

        private bool Take(ReadOnlySpan<byte> line)
        {
            long process = 0;
            ReadOnlySpan<byte> rest = line;
            if (rest.StartsWith("[pid "u8))
            {
                int close = rest.IndexOf((byte)']');
                ReadOnlySpan<byte> number = close < 0 ? default : rest[5..close].TrimStart((byte)' ');
                if (!Utf8Parser.TryParse(number, out process, out int digits) || digits != number.Length || process < 0)
                {
                    return false;
                }

                rest = rest[(close + 1)..];
            }
            else
            {
                rest = TakeNumber(rest, out process);
            }

            return TakeEvent(process, TakeTime(rest.TrimStart((byte)' ')));
        }

        private bool TakeEvent(long process, ReadOnlySpan<byte> text)
        {
            if (!_hasMain)
            {
                _hasMain = true;
                _threads[process] = 0;
            }

            if (text.StartsWith("---"u8))
            {
                return true;
            }

            if (text.StartsWith("+++"u8))
            {
                Exit(process);
                return true;
            }

            if (text.StartsWith("<... "u8))
            {
                int resumed = text.IndexOf(" resumed>"u8);
                if (resumed < 0 || !_unfinished.Remove(process, out byte[]? head))
                {
                    return false;
                }

                return TakeCall(process, [.. head, .. text[(resumed + 9)..]]);
            }

            if (text.EndsWith("<unfinished ...>"u8))
            {
                if (_unfinished.Count < MaxProcesses)
                {
                    _unfinished[process] = text[..^"<unfinished ...>"u8.Length].ToArray();
                }

                return true;
            }

            return TakeCall(process, text);
        }

        private bool TakeCall(long process, ReadOnlySpan<byte> text)
        {
            int open = text.IndexOf((byte)'(');
            int result = text.LastIndexOf(" = "u8);
            int close = result < 0 ? -1 : text[..result].LastIndexOf((byte)')');
            if (open <= 0 || close < open || text[..open].ContainsAnyExcept(NameCharacters))
            {
                return false;
            }

            if (_others.Contains(process))
            {
                _otherLines++;
                return true;
            }

            ReadOnlySpan<byte> value = text[(result + 3)..];
            int blank = value.IndexOf((byte)' ');
            value = blank < 0 ? value : value[..blank];
            bool hasFailed = value.StartsWith("-"u8) || value.SequenceEqual("?"u8);
            if (hasFailed || !StraceValues.TryNumber(value, out ulong number))
            {
                // a failed call changes nothing
                return hasFailed;
            }

            emitter.CurrentThread = ThreadOf(process);
            ReadOnlySpan<byte> name = text[..open];
            ReadOnlySpan<byte> arguments = text[(open + 1)..close];
            bool clones = name.SequenceEqual("clone"u8) || name.SequenceEqual("clone3"u8) || name.SequenceEqual("fork"u8)
                || name.SequenceEqual("vfork"u8);
            return clones ? Clone(arguments, number) : Apply(name, arguments, number);
        }

        private int ThreadOf(long process)
        {
            if (!_threads.TryGetValue(process, out int thread))
            {
                // a thread whose maker has not returned yet
                thread = _threads.Count < MaxProcesses ? _nextThread++ : 0;
                _threads[process] = thread;
            }

            return thread;
        }

        private bool Clone(ReadOnlySpan<byte> arguments, ulong child)
        {
            if (arguments.IndexOf("CLONE_THREAD"u8) >= 0)
            {
                ThreadOf((long)child);
                emitter.Call(VmtRecord.Clone(child), "clone");
                return true;
            }

            if (_others.Count < MaxProcesses)
            {
                _others.Add((long)child);
            }

            summary.Children.Add(child);
            emitter.Call(VmtRecord.Fork(child), "fork");
            return true;
        }

        private bool Apply(ReadOnlySpan<byte> name, ReadOnlySpan<byte> arguments, ulong result)
        {
            if (name.SequenceEqual("execve"u8) || name.SequenceEqual("execveat"u8))
            {
                Execute();
                return true;
            }

            if (name.SequenceEqual("brk"u8))
            {
                emitter.Call(VmtRecord.SetBreak(result), "brk");
                return true;
            }

            Span<Range> ranges = stackalloc Range[StraceArguments.Most];
            StraceArguments a = new StraceArguments(arguments, ranges);
            ulong start = a.Number(0);
            ulong bytes = a.Number(1);
            if (name.SequenceEqual("mmap"u8))
            {
                if (a.Count >= 6)
                {
                    emitter.Map(
                        result, bytes, _flags.Of(a[2]), _flags.Of(a[3]), a[4].StartsWith("-"u8) ? null : _paths.Of(a[4]), a.Number(5));
                }
            }
            else if (bytes > 0 && start + (bytes - 1) >= start)
            {
                Change(name, a, start, bytes, result);
            }

            return true;
        }

        private void Execute()
        {
            if (_hasExecuted)
            {
                emitter.Execute();
                return;
            }

            _hasExecuted = true;
            summary.Count("execve");
        }

        private void Change(ReadOnlySpan<byte> name, StraceArguments a, ulong start, ulong bytes, ulong result)
        {
            if (name.SequenceEqual("munmap"u8))
            {
                emitter.Call(VmtRecord.Unmap(start, bytes), "munmap");
            }
            else if (name.SequenceEqual("mprotect"u8) || name.SequenceEqual("pkey_mprotect"u8))
            {
                emitter.Call(VmtRecord.Protect(start, bytes, _flags.Of(a[2])), "mprotect");
            }
            else if (name.SequenceEqual("madvise"u8))
            {
                emitter.Call(VmtRecord.Advise(start, bytes, _flags.Of(a[2])), "madvise");
            }
            else if (name.SequenceEqual("mremap"u8) && a.Number(2) > 0)
            {
                emitter.Call(VmtRecord.Remap(start, bytes, a.Number(2), _flags.Of(a[3]), result), "mremap");
            }
        }

        private void Exit(long process)
        {
            if (_threads.TryGetValue(process, out int thread) && thread != 0)
            {
                emitter.Exit(thread);
                _threads.Remove(process);
            }
        }

        private static ReadOnlySpan<byte> TakeNumber(ReadOnlySpan<byte> text, out long number)
        {
            int digits = 0;
            number = 0;
            for (; digits < text.Length && digits < 12 && char.IsAsciiDigit((char)text[digits]); digits++)
            {
                number = (number * 10) + (text[digits] - '0');
            }

            if (digits > 0 && digits < text.Length && text[digits] == (byte)' ')
            {
                return text[digits..];
            }

            number = 0;
            return text;
        }

        /// <summary>Skips 1700000000.123456 or 10:11:12.123456.</summary>
        private static ReadOnlySpan<byte> TakeTime(ReadOnlySpan<byte> text)
        {
            int end = text.IndexOfAnyExcept(TimeCharacters);
            return end > 0 && text[end] == (byte)' ' ? text[(end + 1)..].TrimStart((byte)' ') : text;
        }
    }
}
