using System.Buffers;
using System.Globalization;
using System.Text;
using VmSim.Core.Workloads.Traces;

namespace VmSim.Core.Workloads.Import;

/// <summary>Reads the output of <c>strace -f -ttt -y -e trace=memory</c>: memory operations only, without accesses.</summary>
/// <remarks>
/// A line is [PID] [TIME] CALL(ARGUMENTS) = RESULT; calls cut by others stand on two lines, "unfinished" and "resumed", and are joined. clone with
/// CLONE_THREAD makes a thread; any other makes a process, whose lines are left out with a note, as is what runs before the first exec.
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
        var summary = new ImportSummary();
        var emitter = new TraceEmitter(sink, summary, options.Sets);
        emitter.Header(options.Name);
        new Pass(new LineReader(TraceStreams.Unpack(log), options.File), emitter, summary).Run();
        return summary;
    }

    private sealed class Pass(LineReader lines, TraceEmitter emitter, ImportSummary summary)
    {
        private const int MaxProcesses = 65_536;
        private const string Unfinished = "<unfinished ...>";
        private static readonly SearchValues<char> s_nameCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
        private readonly Dictionary<long, int> _threads = [];
        private readonly Dictionary<long, string> _unfinished = [];
        private readonly HashSet<long> _others = [];
        private readonly StraceFlags _flags = new();
        private int _nextThread = 1;
        private long _otherLines;
        private bool _hasMain;
        private bool _hasExecuted;

        public void Run()
        {
            while (lines.TryRead(out ReadOnlySpan<byte> line))
            {
                summary.Lines++;
                if (!line.IsEmpty && !Take(Encoding.UTF8.GetString(line)))
                {
                    summary.Drop(lines.LineNumber, LineReader.Printable(line));
                }
            }

            emitter.Finish();
            if (summary.Lines > 0 && summary.Calls.Count == 0 && summary.Dropped > 0)
            {
                throw TraceFormatException.AtLine(lines.File, 1, summary.DroppedExamples[0], "strace lines such as 'mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, 3, 0) = 0x7f0000000000'");
            }

            if (_otherLines > 0)
            {
                summary.Notes.Add($"{_otherLines} lines of forked processes are left out; import each process's own log (strace -ff).");
            }
        }

        private bool Take(string line)
        {
            long process = 0;
            ReadOnlySpan<char> rest = line;
            if (rest.StartsWith("[pid ", StringComparison.Ordinal))
            {
                int close = rest.IndexOf(']');
                if (close < 0 || !long.TryParse(rest[5..close], NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture, out process))
                {
                    return false;
                }

                rest = rest[(close + 1)..];
            }
            else
            {
                rest = TakeNumber(rest, out process);
            }

            return TakeEvent(process, TakeTime(rest.TrimStart()).ToString());
        }

        private bool TakeEvent(long process, string text)
        {
            if (!_hasMain)
            {
                _hasMain = true;
                _threads[process] = 0;
            }

            if (text.StartsWith("---", StringComparison.Ordinal))
            {
                return true;
            }

            if (text.StartsWith("+++", StringComparison.Ordinal))
            {
                Exit(process);
                return true;
            }

            if (text.StartsWith("<... ", StringComparison.Ordinal))
            {
                int resumed = text.IndexOf(" resumed>", StringComparison.Ordinal);
                if (resumed < 0 || !_unfinished.Remove(process, out string? head))
                {
                    return false;
                }

                text = head + text[(resumed + 9)..];
            }
            else if (text.EndsWith(Unfinished, StringComparison.Ordinal))
            {
                if (_unfinished.Count < MaxProcesses)
                {
                    _unfinished[process] = text[..^Unfinished.Length];
                }

                return true;
            }

            return TakeCall(process, text);
        }

        private bool TakeCall(long process, string text)
        {
            int open = text.IndexOf('(', StringComparison.Ordinal);
            int result = text.AsSpan().LastIndexOf(" = ");
            int close = result < 0 ? -1 : text.LastIndexOf(')', result);
            if (open <= 0 || close < open)
            {
                return false;
            }

            string name = text[..open];
            if (name.AsSpan().ContainsAnyExcept(s_nameCharacters))
            {
                return false;
            }

            if (_others.Contains(process))
            {
                _otherLines++;
                return true;
            }

            int blank = text.IndexOf(' ', result + 3);
            string value = blank < 0 ? text[(result + 3)..] : text[(result + 3)..blank];
            if (value.StartsWith('-') || value == "?" || !StraceValues.TryNumber(value, out ulong number))
            {
                // a failed call changes nothing
                return value.StartsWith('-') || value == "?";
            }

            emitter.CurrentThread = ThreadOf(process);
            string arguments = text[(open + 1)..close];
            return name is "clone" or "clone3" or "fork" or "vfork" ? Clone(arguments, number) : Apply(name, StraceValues.Split(arguments), number);
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

        private bool Clone(string arguments, ulong child)
        {
            if (arguments.Contains("CLONE_THREAD", StringComparison.Ordinal))
            {
                ThreadOf((long)child);
                emitter.Call(new VmtRecord { Kind = VmtKind.Clone, A = child, FileId = -1 }, "clone");
                return true;
            }

            if (_others.Count < MaxProcesses)
            {
                _others.Add((long)child);
            }

            summary.Children.Add(child);
            emitter.Call(new VmtRecord { Kind = VmtKind.Fork, A = child, FileId = -1 }, "fork");
            return true;
        }

        private bool Apply(string name, List<string> a, ulong result)
        {
            ulong At(int index) => index < a.Count && StraceValues.TryNumber(a[index], out ulong value) ? value : 0;
            ulong FlagsAt(int index) => index < a.Count ? _flags.Of(a[index]) : 0;
            VmtRecord record = new() { A = At(0), B = At(1), FileId = -1 };
            bool hasRange = record.B > 0 && record.A + (record.B - 1) >= record.A;
            switch (name)
            {
                case "execve" or "execveat" when _hasExecuted:
                    emitter.Execute();
                    break;
                case "execve" or "execveat":
                    _hasExecuted = true;
                    summary.Count("execve");
                    break;
                case "brk":
                    emitter.Call(new VmtRecord { Kind = VmtKind.Break, A = result, FileId = -1 }, "brk");
                    break;
                case "mmap" when a.Count >= 6:
                    emitter.Map(result, At(1), FlagsAt(2), FlagsAt(3), StraceValues.Path(a[4]), At(5));
                    break;
                case "munmap" when hasRange:
                    emitter.Call(record with { Kind = VmtKind.Unmap }, name);
                    break;
                case "mprotect" or "pkey_mprotect" when hasRange:
                    emitter.Call(record with { Kind = VmtKind.Protect, C = FlagsAt(2) }, "mprotect");
                    break;
                case "madvise" when hasRange:
                    emitter.Call(record with { Kind = VmtKind.Advise, C = FlagsAt(2) }, name);
                    break;
                case "mremap" when hasRange && At(2) > 0:
                    emitter.Call(record with { Kind = VmtKind.Remap, C = At(2), D = FlagsAt(3), E = result }, name);
                    break;
                default:
                    break;
            }

            return true;
        }

        private void Exit(long process)
        {
            if (_threads.TryGetValue(process, out int thread) && thread != 0)
            {
                emitter.Exit(thread);
                _threads.Remove(process);
            }
        }

        private static ReadOnlySpan<char> TakeNumber(ReadOnlySpan<char> text, out long number)
        {
            int digits = 0;
            while (digits < text.Length && digits < 12 && char.IsAsciiDigit(text[digits]))
            {
                digits++;
            }

            bool isNumber = digits > 0 && digits < text.Length && text[digits] == ' ';
            number = isNumber ? long.Parse(text[..digits], NumberStyles.None, CultureInfo.InvariantCulture) : 0;
            return isNumber ? text[digits..] : text;
        }

        /// <summary>Skips 1700000000.123456 or 10:11:12.123456.</summary>
        private static ReadOnlySpan<char> TakeTime(ReadOnlySpan<char> text)
        {
            int blank = text.IndexOf(' ');
            bool isTime = blank > 0 && text[..blank].IndexOfAnyExcept("0123456789.:") < 0;
            return isTime ? text[(blank + 1)..].TrimStart() : text;
        }
    }
}
