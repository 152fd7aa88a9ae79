using VmSim.Core.Settings;

namespace VmSim.Core.Traces.Import;

/// <summary>Reads the log of <c>valgrind --tool=lackey --trace-mem=yes --trace-syscalls=yes --trace-sched=yes</c>.</summary>
/// <remarks>
/// References carry no thread: the scheduler's messages say who runs. Valgrind's thread numbers are slots that are used again, so every
/// entry into the scheduler makes a new thread. What a system call returned may stand on the call's line, on the next one, or on a later
/// line of the same thread. Scheduler messages may be glued to its end. The kernel's accesses to buffers of read and write are rebuilt from
/// their arguments.
/// </remarks>
public sealed class LackeyImporter : ITraceImporter
{
    /// <summary>The file with Valgrind's -d output; empty when the log itself has the layout or none is known.</summary>
    [Setting("File with Valgrind's -d output, which has the memory layout at start; empty when the log itself has it.")]
    public string Layout { get; init; } = "";

    /// <summary>Whether the layout replaces what the process inherited.</summary>
    [Setting("Whether the log is of a forked process after it executed a program, so that the layout replaces what the process inherited.")]
    public bool FollowsExec { get; init; }

    /// <inheritdoc/>
    public string Name => "lackey";

    /// <inheritdoc/>
    public string Summary => "Valgrind's lackey: valgrind -d --tool=lackey --trace-mem=yes --trace-syscalls=yes --trace-sched=yes";

    /// <inheritdoc/>
    public ImportSummary Import(Stream log, IVmtSink sink, ImportOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ImportSummary summary = new ImportSummary();
        TraceEmitter emitter = new TraceEmitter(sink, summary, options.Sets);
        emitter.Header(options.Name);
        new Pass(log, emitter, summary, options, this).Run();
        return summary;
    }

    private sealed class Pass(Stream log, TraceEmitter emitter, ImportSummary summary, ImportOptions options, LackeyImporter settings)
    {
        private readonly LineReader _lines = new(TraceStreams.Unpack(log), options.File);
        private readonly LackeyLayout _layout = new();
        private readonly LackeyCalls _calls = new(emitter, summary);
        private readonly Dictionary<int, int> _threadOfSlot = [];
        private int _mainSlot = -1;
        private int _nextThread = 1;
        private int _callSlot = -1;
        private bool _hasStarted;

        public void Run()
        {
            if (settings.Layout.Length > 0)
            {
                using Stream file = options.Open(settings.Layout);
                LineReader layout = new(TraceStreams.Unpack(file), settings.Layout);
                while (!_layout.IsComplete && layout.TryRead(out ReadOnlySpan<byte> line))
                {
                    _layout.Take(line);
                }
            }

            while (_lines.TryRead(out ReadOnlySpan<byte> line))
            {
                summary.Lines++;
                if (!TakeReference(line) && !TakeMessage(line))
                {
                    summary.Drop(_lines.LineNumber, LineReader.Printable(line));
                }
            }

            Start();
            emitter.Finish();
            if (!_layout.IsComplete)
            {
                summary.Notes.Add(
                    "The log has no memory layout, so nothing is mapped before the program's own calls; run valgrind with -d and give "
                        + "its output as the layout.");
            }
        }

        /// <summary>I  0401ab70,3 or a blank, S, L or M, a blank, and the same.</summary>
        private bool TakeReference(ReadOnlySpan<byte> line)
        {
            if (line.Length < 5 || line[2] != (byte)' ')
            {
                return false;
            }

            bool isFetch = line[0] == (byte)'I' && line[1] == (byte)' ';
            VmtKind kind = isFetch ? VmtKind.Fetch : line[1] == (byte)'L' ? VmtKind.Load : VmtKind.Store;
            if (!isFetch && (line[0] != (byte)' ' || line[1] is not ((byte)'L' or (byte)'S' or (byte)'M')))
            {
                return false;
            }

            ulong address = 0;
            int at = 3;
            for (int digit; at < line.Length && (digit = FieldReader.HexDigit(line[at])) >= 0; at++)
            {
                address = (address << 4) | (uint)digit;
            }

            uint size = 0;
            int comma = at++;
            for (; at < line.Length && (uint)(line[at] - '0') <= 9 && size < 1 << 20; at++)
            {
                size = (size * 10) + (uint)(line[at] - '0');
            }

            if (comma is 3 or > 19 || comma >= line.Length || line[comma] != (byte)',' || at != line.Length || size == 0)
            {
                return false;
            }

            if (!_hasStarted)
            {
                Start();
            }

            emitter.Reference(kind, address, size);
            if (isFetch)
            {
                summary.Fetches++;
            }
            else
            {
                summary.DataReferences++;
            }

            return true;
        }

        private bool TakeMessage(ReadOnlySpan<byte> line)
        {
            if (line.IsEmpty || line.StartsWith("=="u8) || line.StartsWith("SCHEDSETJMP("u8))
            {
                return true;
            }

            if (line.StartsWith("--"u8))
            {
                TakeValgrind(line);
                return true;
            }

            if (line.StartsWith("SYSCALL["u8))
            {
                return TakeCall(line);
            }

            if (line.StartsWith(" --> ["u8))
            {
                TakeResult(_callSlot, line);
                return true;
            }

            return false;
        }

        /// <summary>What follows the call's or the result's last bracket may be a message without a line of its own.</summary>
        private void TakeResult(int slot, ReadOnlySpan<byte> text)
        {
            if (slot >= 0 && _threadOfSlot.TryGetValue(slot, out int thread))
            {
                emitter.CurrentThread = thread;
            }

            Start();
            _calls.Finish(slot, text);
            int glued = text.IndexOf(" --"u8);
            while (glued >= 0 && glued + 3 < text.Length && (uint)(text[glued + 3] - '0') > 9)
            {
                int next = text[(glued + 3)..].IndexOf(" --"u8);
                glued = next < 0 ? -1 : glued + 3 + next;
            }

            if (glued >= 0)
            {
                TakeValgrind(text[(glued + 1)..]);
            }
        }

        /// <summary>--16909--   SCHED[2]:  acquired lock (...), or a line of the memory layout.</summary>
        private void TakeValgrind(ReadOnlySpan<byte> line)
        {
            int at = line.IndexOf("SCHED["u8);
            if (at < 0)
            {
                _layout.Take(line);
                return;
            }

            ReadOnlySpan<byte> rest = line[(at + 6)..];
            int slot = Number(ref rest);
            if (rest.IndexOf("entering VG_(scheduler)"u8) >= 0)
            {
                Enter(slot);
            }
            else if (rest.IndexOf("exiting VG_(scheduler)"u8) >= 0)
            {
                Leave(slot);
            }
            else if (rest.IndexOf("acquired lock"u8) >= 0)
            {
                Run(slot);
            }
        }

        private void Enter(int slot)
        {
            if (_mainSlot < 0)
            {
                BindMain(slot);
            }
            else if (!_threadOfSlot.ContainsKey(slot))
            {
                _threadOfSlot[slot] = _nextThread++;
            }

            Run(slot);
        }

        private void Leave(int slot)
        {
            if (slot != _mainSlot && _threadOfSlot.Remove(slot, out int thread))
            {
                emitter.Exit(thread);
            }
        }

        private void Run(int slot)
        {
            if (_threadOfSlot.TryGetValue(slot, out int thread))
            {
                emitter.CurrentThread = thread;
            }
        }

        private void BindMain(int slot)
        {
            _mainSlot = slot;
            _threadOfSlot[slot] = 0;
        }

        /// <summary>SYSCALL[16909,1](9) sys_mmap ( ... ) and so on.</summary>
        private bool TakeCall(ReadOnlySpan<byte> line)
        {
            ReadOnlySpan<byte> rest = line[8..];
            Number(ref rest);
            if (rest.IsEmpty || rest[0] != (byte)',')
            {
                return false;
            }

            rest = rest[1..];
            int slot = Number(ref rest);
            if (!rest.StartsWith("]("u8))
            {
                return false;
            }

            rest = rest[2..];
            int number = Number(ref rest);
            if (rest.IsEmpty || rest[0] != (byte)')')
            {
                return false;
            }

            if (_mainSlot < 0)
            {
                BindMain(slot);
            }

            rest = rest[1..];
            _callSlot = slot;
            if (!rest.StartsWith(" ... [async]"u8))
            {
                rest = rest[_calls.Begin(slot, number, rest)..];
            }

            TakeResult(slot, rest);
            return true;
        }

        /// <summary>Before the first record: what was mapped at start.</summary>
        private void Start()
        {
            if (!_hasStarted)
            {
                _hasStarted = true;
                if (settings.FollowsExec)
                {
                    emitter.Execute();
                }

                _layout.Emit(emitter);
            }
        }

        private static int Number(ref ReadOnlySpan<byte> text)
        {
            int value = 0;
            int digits = 0;
            for (; digits < text.Length && (uint)(text[digits] - '0') <= 9 && digits < 9; digits++)
            {
                value = (value * 10) + (text[digits] - '0');
            }

            text = text[digits..];
            return value;
        }
    }
}
