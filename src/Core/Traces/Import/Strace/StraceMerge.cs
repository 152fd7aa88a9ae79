using System.Globalization;
using System.Text;

namespace VmSim.Core.Traces.Import.Strace;

/// <summary>
/// Reads a log and, if it is one of those that strace -ff writes, those of the threads and processes that it made, in the order of their
/// times.
/// </summary>
/// <remarks>
/// Without times the log of a process can still be read after its maker's, since they share no memory; that of a thread cannot. With -T a
/// memory call counts when it ended, as in a log of all threads.
/// </remarks>
internal sealed class StraceMerge
{
    /// <summary>The longest line that is read; -s and -v make strings and structures as long as one likes.</summary>
    private const int MaxLine = 1 << 24;

    private const long HalfDay = 43_200_000_000_000;
    private readonly ImportSummary _summary;
    private readonly ImportOptions _options;
    private readonly StracePass _pass;
    private readonly StraceStacks _stacks;
    private readonly List<Reader> _readers = [];
    private readonly PriorityQueue<(StraceLog Log, byte[] Line, long Number, string[]? Frames), (long Time, long Order)> _ends = new();
    private readonly string _stem;
    private readonly string _ending;
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly SortedSet<long> _reused = [];
    private readonly List<string> _openEnds = [];
    private long _endsOrder;
    private int _opened;

    /// <summary>Begins with the log that is imported.</summary>
    public StraceMerge(Stream log, StracePass pass, ImportSummary summary, ImportOptions options, long process)
    {
        _summary = summary;
        _options = options;
        _stacks = new StraceStacks(summary, options);
        _pass = pass;
        (_stem, _ending) = process >= 0 ? NameOf(options.File, process) : ("", "");
        _names.Add(options.File);
        _readers.Add(new Reader(log, new StraceLog(pass, summary, options.File, process), options.File, _opened++, _stacks));
        pass.OnChild = process >= 0 && options.OpenIfThere is not null ? OpenChild : null;
    }

    /// <summary>Numbers that several threads or processes had, and whose log was read once.</summary>
    public IReadOnlyCollection<long> Reused => _reused;

    /// <summary>Logs whose last line has no line end.</summary>
    public IReadOnlyCollection<string> OpenEnds => _openEnds;

    /// <summary>The process that a log is of by its name, as strace -ff names it: NAME.PID; -1 if it has no such name.</summary>
    public static long ProcessOf(string file)
    {
        string name = file.EndsWith(".gz", StringComparison.Ordinal) ? file[..^3] : file;
        int dot = name.LastIndexOf('.');
        return dot > 0 && uint.TryParse(name.AsSpan(dot + 1), NumberStyles.None, CultureInfo.InvariantCulture, out uint process)
            ? process
            : -1;
    }

    /// <summary>Reads all logs to their ends.</summary>
    public void Run()
    {
        while (_readers.Count > 0 || _ends.Count > 0)
        {
            Reader? next = Next();
            if (_ends.TryPeek(out (StraceLog Log, byte[] Line, long Number, string[]? Frames) end, out (long Time, long Order) due)
                && (next is null || due.Time <= next.Time))
            {
                _ends.Dequeue();
                end.Log.Take(end.Line, end.Number, end.Frames);
            }
            else if (next!.HasLine || next.Advance())
            {
                Take(next);
            }
            else
            {
                Finish(next);
            }
        }
    }

    /// <summary>The logs of the same recording that were not read: no call made their processes.</summary>
    public IReadOnlyList<string> NotRead()
    {
        IReadOnlyList<string> all = _stem.Length == 0 ? [] : _options.ListBeside?.Invoke(_stem) ?? [];
        return
        [
            .. all.Where(name => !_names.Contains(name) && name.EndsWith(_ending, StringComparison.Ordinal)
                && uint.TryParse(name.AsSpan(_stem.Length)[..^_ending.Length], NumberStyles.None, CultureInfo.InvariantCulture, out _)),
        ];
    }

    private static (string Stem, string Ending) NameOf(string file, long process)
    {
        string number = string.Create(CultureInfo.InvariantCulture, $"{process}");
        int at = file.LastIndexOf(number, StringComparison.Ordinal);
        return (file[..at], file[(at + number.Length)..]);
    }

    /// <summary>The log whose next line is the earliest; of those alike the one that was opened first.</summary>
    private Reader? Next()
    {
        Reader? first = null;
        for (int i = _readers.Count - 1; i >= 0; i--)
        {
            Reader reader = _readers[i];
            if ((_readers.Count > 1 || _ends.Count > 0) && !reader.HasLine && !reader.Advance())
            {
                Finish(reader);
            }
            else if (first is null || reader.Time <= first.Time)
            {
                first = reader;
            }
        }

        return first;
    }

    private void Finish(Reader reader)
    {
        reader.Finish();
        _readers.Remove(reader);
        if (reader.IsOpen)
        {
            _openEnds.Add(reader.File);
        }
    }

    private void Take(Reader reader)
    {
        ReadOnlySpan<byte> line = reader.Line;
        long number = reader.Number;
        reader.HasLine = false;
        if (_opened == 1 || reader.Time < 0 || !IsDelayed(reader, line, out long nanoseconds))
        {
            reader.Log.Take(line, number, reader.Frames);
            return;
        }

        _ends.Enqueue((reader.Log, line.ToArray(), number, reader.Frames), (reader.Time + nanoseconds, _endsOrder++));
    }

    /// <summary>Whether a line is a memory call, or one in which a thread may sleep, that other threads' lines may overlap.</summary>
    private bool IsDelayed(Reader reader, ReadOnlySpan<byte> line, out long nanoseconds)
    {
        nanoseconds = 0;
        int open = line.LastIndexOf((byte)'<');
        if (open < 0 || line[^1] != (byte)'>' || !_pass.Family.Knows(reader.Log.Process)
            || !StraceResult.TryParse([.. "= 0 "u8, .. line[open..]], out StraceResult result) || result.Nanoseconds == 0)
        {
            return false;
        }

        ReadOnlySpan<byte> text = StraceLine.Parse(line).Text;
        StraceTask? task = _pass.Family.Find(reader.Log.Process, text);
        if (task is null)
        {
            return false;
        }

        StraceName name = _pass.NameOf(task, text);
        nanoseconds = result.Nanoseconds;
        if (name.Frees)
        {
            task.Space.Process.Order?.Begin(task.Id);
        }

        return name.Call is >= StraceCall.Map and <= StraceCall.Seal || StraceSleeps.CanTell(name.Name);
    }

    private void OpenChild(StracePlace place, long process, bool isThread)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"{_stem}{process}{_ending}");
        Reader parent = _readers.Find(reader => reader.File == place.File) ?? _readers[0];
        if (parent.Log.HasProcesses)
        {
            return;
        }

        if (!_names.Add(name))
        {
            _reused.Add(process);
            return;
        }

        if (isThread && parent.Time < 0)
        {
            _pass.Refuse(
                place,
                Encoding.UTF8.GetBytes($"thread {process} without times"),
                "logs of threads with times (strace -ff -ttt), by which their calls can be put in order");
            _pass.Family.LeaveOut(process);
            return;
        }

        if (_options.OpenIfThere!(name) is { } stream)
        {
            _readers.Add(new Reader(stream, new StraceLog(_pass, _summary, name, process), name, _opened++, _stacks));
        }
    }

    /// <summary>A log and its next line.</summary>
    private sealed class Reader(Stream stream, StraceLog log, string file, int order, StraceStacks stacks)
    {
        private readonly LineReader _lines = new(LogStreams.Open(stream, file), file, MaxLine);
        private byte[] _line = [];
        private int _length;
        private long _last;
        private long _days;

        public StraceLog Log => log;

        public string File => file;

        public ReadOnlySpan<byte> Line => _line.AsSpan(0, _length);

        public long Number { get; private set; }

        /// <summary>When the line was printed, in nanoseconds; how many logs were opened before, less than 0, without times.</summary>
        public long Time { get; private set; } = int.MinValue + order;

        public bool HasLine { get; set; }

        /// <summary>The frames of the stack behind the line; null for none.</summary>
        public string[]? Frames { get; private set; }

        public bool IsOpen => _lines.IsOpen;

        public bool Advance()
        {
            if (!_lines.TryRead(out ReadOnlySpan<byte> line))
            {
                return false;
            }

            if (_line.Length < line.Length)
            {
                _line = new byte[Math.Max(256, 2 * line.Length)];
            }

            line.CopyTo(_line);
            _length = line.Length;
            Number = _lines.LineNumber;
            HasLine = true;
            Frames = stacks.Read(_lines);
            long time = StraceLine.Parse(Line).Nanoseconds;
            if (time >= 0)
            {
                // times of day begin again at midnight
                _days += _last - time > HalfDay ? 2 * HalfDay : 0;
                _last = time;
                Time = time + _days;
            }

            return true;
        }

        public void Finish()
        {
            log.Finish();
            stream.Dispose();
        }
    }
}
