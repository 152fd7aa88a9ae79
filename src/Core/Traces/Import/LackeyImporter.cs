using VmSim.Core.Settings;

namespace VmSim.Core.Traces.Import;

/// <summary>Reads the log of <c>valgrind --tool=lackey --trace-mem=yes --trace-syscalls=yes --trace-sched=yes</c>.</summary>
/// <remarks>
/// References carry no thread: the scheduler's messages say who runs. Valgrind's thread numbers are slots that are used again, so every
/// entry into the scheduler makes a new thread. What a system call returned may stand on the call's line, on the next one, or on a later
/// line of the same thread. Scheduler messages may be glued to its end. The kernel's accesses to buffers of read and write are rebuilt from
/// their arguments. A locked instruction is a load and a modify of one place (Valgrind makes them of the load before its compare-and-swap):
/// behind an instruction's line the modify comes first (<see cref="InstructionReferences"/>). Logs without such lines keep their order.
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

    private sealed class Pass
    {
        private readonly TraceEmitter _emitter;
        private readonly ImportSummary _summary;
        private readonly ImportOptions _options;
        private readonly LackeyImporter _settings;
        private readonly LineReader _lines;
        private readonly LackeyLayout _layout = new();
        private readonly RegionGuess _guess;
        private readonly LackeyCalls _calls;
        private readonly InstructionReferences _references;
        private readonly Dictionary<int, int> _threadOfSlot = [];
        private int _mainSlot = -1;
        private int _nextThread = 1;
        private int _callSlot = -1;
        private bool _hasStarted;

        /// <summary>Whether what was read last is an instruction and its references.</summary>
        private bool _isInInstruction;

        /// <summary>Whether the log is of a forked child, which begins with its parent's memory.</summary>
        private bool _isChild;

        public Pass(Stream log, TraceEmitter emitter, ImportSummary summary, ImportOptions options, LackeyImporter settings)
        {
            _settings = settings;
            _emitter = emitter;
            _summary = summary;
            _options = options;
            _lines = new LineReader(LogStreams.Open(log, options.File), options.File);
            _guess = new RegionGuess(emitter);
            _calls = new LackeyCalls(emitter, summary, _guess);
            _references = new InstructionReferences(emitter);
        }

        public void Run()
        {
            if (_settings.Layout.Length > 0)
            {
                using Stream file = _options.Open(_settings.Layout);
                LineReader layout = new LineReader(LogStreams.Open(file, _settings.Layout), _settings.Layout);
                while (!_layout.IsComplete && layout.TryRead(out ReadOnlySpan<byte> line))
                {
                    _layout.Take(line);
                }

                if (!_layout.IsComplete)
                {
                    throw TraceFormatException.AtLine(
                        _settings.Layout, layout.LineNumber, "no memory layout", "what valgrind -d writes to standard error");
                }
            }

            while (_lines.TryRead(out ReadOnlySpan<byte> line))
            {
                _summary.Lines++;
                if (!TakeReference(line) && !TakeMessage(line))
                {
                    _summary.Drop(_lines.LineNumber, LineReader.Printable(line));
                }
            }

            EndInstruction();
            Start();
            _calls.End();
            _emitter.Finish();
            if (_summary.Threads > 1)
            {
                _summary.Notes.Add(
                    "lackey does not tell in which calls threads slept: in a replay they wait for each other awake, on their cores.");
            }

            if (_guess.IsOn)
            {
                _guess.AddNotes(_summary);
                _summary.Notes.Add(
                    "The log has no memory layout: memory is anonymous and mapped where it is used, in regions of 2 MiB. For the program's "
                        + "own mappings run valgrind with -d and give its output with --layout.");
            }
        }

        /// <summary>I  0401ab70,3 and its like.</summary>
        private bool TakeReference(ReadOnlySpan<byte> line)
        {
            if (!LackeyReference.TryRead(line, out LackeyReference reference))
            {
                return false;
            }

            Start();
            if (!_guess.Use(reference.Address, reference.Size))
            {
                _summary.Drop(_lines.LineNumber, _guess.Refusal(reference.Address));
                return true;
            }

            if (reference.Kind == VmtKind.Fetch)
            {
                EndInstruction();
                _isInInstruction = true;
                _emitter.Reference(VmtKind.Fetch, reference.Address, reference.Size);
                _summary.Fetches++;
                return true;
            }

            if (_isInInstruction)
            {
                _references.Add(reference.Kind, reference.Address, reference.Size);
            }
            else
            {
                _emitter.Reference(reference.Kind, reference.Address, reference.Size);
            }

            _summary.DataReferences++;
            return true;
        }

        private void EndInstruction()
        {
            _references.End();
            _isInInstruction = false;
        }

        private bool TakeMessage(ReadOnlySpan<byte> line)
        {
            EndInstruction();
            if (line.Trim(" \t\r"u8).IsEmpty || line.StartsWith("=="u8) || line.StartsWith("SCHEDSETJMP("u8))
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
                // A child's log begins with what fork returned.
                _isChild |= _callSlot < 0 && !_hasStarted;
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
                _emitter.CurrentThread = thread;
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
                _emitter.Exit(thread);
            }
        }

        private void Run(int slot)
        {
            if (_threadOfSlot.TryGetValue(slot, out int thread))
            {
                _emitter.CurrentThread = thread;
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
                _guess.IsOn = !_layout.IsComplete && !_isChild;
                if (_settings.FollowsExec)
                {
                    _emitter.Execute();
                }

                _layout.Emit(_emitter);
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
