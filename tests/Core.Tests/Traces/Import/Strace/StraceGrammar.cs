using System.Globalization;
using System.Text;

namespace VmSim.Core.Tests.Traces.Import.Strace;

/// <summary>How a log is printed: which of strace's options there are.</summary>
/// <param name="Process">0 a number before each line (-o FILE -f), 1 [pid N] (standard error).</param>
/// <param name="HasNames">Names of threads behind their numbers (--decode-pids=comm).</param>
/// <param name="Time">0 none, 1 -t, 2 -tt, 3 -ttt, 4 -ttt with nanoseconds.</param>
/// <param name="HasRelative">Times since the last line (-r).</param>
/// <param name="HasNumber">Numbers of calls (-n).</param>
/// <param name="HasPointer">Instruction pointers (-i).</param>
/// <param name="HasDuration">How long calls took (-T).</param>
/// <param name="HasStack">Stack traces (-k).</param>
/// <param name="Values">0 names, 1 raw (-X raw), 2 both (-X verbose).</param>
/// <param name="Splits">Every how many calls one is printed in two parts; 0 for none.</param>
/// <param name="HasColours">Escape sequences (--color=always).</param>
/// <param name="HasContext">Security contexts (--secontext).</param>
internal sealed record StraceStyle(
    int Process, bool HasNames, int Time, bool HasRelative, bool HasNumber, bool HasPointer, bool HasDuration, bool HasStack, int Values,
    int Splits, bool HasColours, bool HasContext)
{
    /// <summary>Number, call, result, and nothing else.</summary>
    public static StraceStyle Plain { get; } = new(0, false, 0, false, false, false, false, false, 0, 0, false, false);
}

/// <summary>A call of a random program: what it is, in each way to print its values.</summary>
internal sealed record StraceEvent(int Task, string Name, string[] Arguments, string Result);

/// <summary>Random programs of threads and processes, and their logs in every style of strace.</summary>
internal sealed class StraceGrammar
{
    private static readonly (string Name, int Value)[] Advice =
        [("MADV_DONTNEED", 4), ("MADV_FREE", 8), ("MADV_COLD", 20), ("MADV_GUARD_INSTALL", 102)];

    private static readonly (string Name, int Value)[] Rights =
        [("PROT_NONE", 0), ("PROT_READ", 1), ("PROT_READ|PROT_WRITE", 3), ("PROT_READ|PROT_EXEC", 5)];

    private static readonly (string Name, int Value)[] Flags =
    [
        ("MAP_PRIVATE|MAP_ANONYMOUS", 0x22), ("MAP_SHARED|MAP_ANONYMOUS|MAP_NORESERVE", 0x4021),
        ("MAP_PRIVATE|MAP_ANONYMOUS|MAP_HUGETLB|21<<MAP_HUGE_SHIFT", 0x54040022),
        ("MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS|MAP_GROWSDOWN", 0x132),
    ];

    private static readonly string[] Paths =
    [
        "/lib/x.so", "/tmp/a, b (c)", "/tmp/x\\76y", "/tmp/[1] = 2", "/tmp/\\\"q\\\" {", "/tmp/a) = -1 E", "/dev/zero<char 1:5>",
        "TCP:[127.0.0.1:5->[::1]:80]",
    ];

    private static readonly string[] Strings =
        ["a, b) = 3", "\\\"", "<unfinished ...>", "[pid 7] mmap(", "strace: Process 5 attached", "\\\\", ") = ?"];
    private readonly Random _random;
    private readonly List<StraceEvent> _events = [];
    private readonly List<(ulong Start, ulong Bytes)> _areas = [];
    private ulong _next = 0x7f0000000000;
    private int _tasks = 1;

    /// <summary>Makes a program of some calls.</summary>
    public StraceGrammar(int seed, int calls)
    {
        _random = new Random(seed);
        for (int i = 0; i < calls; i++)
        {
            Add(_random.Next(_tasks));
        }
    }

    /// <summary>Prints the program's log.</summary>
    public string Print(StraceStyle style)
    {
        StringBuilder log = new StringBuilder();
        Dictionary<int, string> open = [];
        for (int i = 0; i < _events.Count; i++)
        {
            StraceEvent e = _events[i];
            string text = $"{e.Name}({string.Join(", ", e.Arguments.Select(argument => Value(argument, style)))}";
            if (style.Splits > 0 && i % style.Splits == 0 && i > 0)
            {
                // the end stays where the whole call stood; the beginning moves up to the last line of the thread
                int cut = e.Arguments.Length > 1 && e.Name != "clone" ? text.LastIndexOf(", ", StringComparison.Ordinal) : text.Length;
                Line(log, style, e, $"{text[..cut]} <unfinished ...>", i);
                Line(log, style, _events[0] with { Task = (e.Task + 1) % _tasks }, "getppid() = 1", i);
                Line(log, style, e, $"<... {e.Name} resumed>{text[cut..]}) = {e.Result}{Duration(style)}", i);
            }
            else
            {
                Line(log, style, e, $"{text}) = {e.Result}{Duration(style)}", i);
            }

            if (style.HasStack)
            {
                log.Append(CultureInfo.InvariantCulture, $" > /usr/lib/libc.so.6(__mmap+0x38) [0x1b2b{i % 10}] a (b).c:12\n");
            }
        }

        return log.ToString();
    }

    /// <summary>
    /// Prints the program's log as it is when a second process writes to the same file: a call of its own stands in the middle of a line,
    /// whose end follows on the next one or is lost; or the line's end is lost and the next one begins behind it.
    /// </summary>
    /// <param name="style">How lines are printed.</param>
    /// <param name="at">The call that is cut.</param>
    /// <param name="place">Where it is cut, from its opening parenthesis to its end.</param>
    /// <param name="loses">Whether its end is lost.</param>
    /// <returns>The log, the log without what is mixed, and how many lines are mixed.</returns>
    public (string Mixed, string Without, int Lines) PrintMixed(StraceStyle style, int at, int place, bool loses)
    {
        List<string> lines = [.. Print(style with { Splits = 0 }).Split('\n', StringSplitOptions.RemoveEmptyEntries)];
        at %= lines.Count;
        string rest = string.Join('\n', [.. lines[..at], .. lines[(at + 1)..]]) + "\n";
        string line = lines[at];
        int first = line.IndexOf($"{_events[at].Name}(", StringComparison.Ordinal) + _events[at].Name.Length + 1;
        int cut = first + (place % (line.Length - first + 1));
        List<string> mixed = [line[..cut] + "77 munmap(0x7e0000000000, 4096) = 0"];
        if (!loses && cut < line.Length)
        {
            mixed.Add(line[cut..]);
        }

        return (string.Join('\n', [.. lines[..at], .. mixed, .. lines[(at + 1)..]]) + "\n", rest, mixed.Count);
    }

    private static string Duration(StraceStyle style) => style.HasDuration ? " <0.000020>" : "";

    /// <summary>Prints a log for each thread, with times, as strace -ff does.</summary>
    public Dictionary<string, string> PrintEach()
    {
        Dictionary<string, string> logs = new Dictionary<string, string>(StringComparer.Ordinal);
        for (int i = 0; i < _events.Count; i++)
        {
            StraceEvent e = _events[i];
            string name = $"log.{1000 + e.Task}";
            string call = $"{e.Name}({string.Join(", ", e.Arguments.Select(argument => Value(argument, StraceStyle.Plain)))}) = {e.Result}";
            logs[name] = logs.GetValueOrDefault(name, "") + $"1700000000.{i:d6} {call}\n";
        }

        return logs;
    }

    /// <summary>A value that is written as NAME@NUMBER, in the style's form.</summary>
    private static string Value(string argument, StraceStyle style)
    {
        int at = argument.IndexOf('@', StringComparison.Ordinal);
        if (at < 0)
        {
            return argument;
        }

        string prefix = argument.StartsWith("flags=", StringComparison.Ordinal) ? "flags=" : "";
        string name = argument[prefix.Length..at];
        string number = argument[(at + 1)..];
        return prefix + style.Values switch { 0 => name, 1 => number, _ => $"{number} /* {name} */" };
    }

    private void Line(StringBuilder log, StraceStyle style, StraceEvent e, string text, int index)
    {
        int id = 1000 + e.Task;
        string name = style.HasNames ? $"<w {e.Task}] (x\\76>" : "";
        string line = style.Process == 0 ? (style.HasNames ? $"{id}{name} " : $"{id,-5} ") : $"[pid {id,5}{name}] ";
        line += style.HasContext ? "[user_u:role_r:type_t:s0] " : "";
        line += style.Time switch
        {
            1 => "10:11:12 ",
            2 => $"10:11:12.{index:d6} ",
            3 => $"1700000000.{index:d6} ",
            4 => $"1700000000.{index:d9} ",
            _ => "",
        };
        string relative = $"{0,6}.{index:d6}";
        line += !style.HasRelative ? "" : style.Time > 0 ? $"(+{relative}) " : $"{relative} ";
        line += style.HasNumber ? $"[{9,4}] " : "";
        line += style.HasPointer ? "[00007f3c0001a2b7] " : "";
        line += text;
        log.Append(style.HasColours ? $"\u001b[32m{line}\u001b[0m" : line).Append('\n');
    }

    private void Add(int task)
    {
        int kind = _events.Count == 0 ? 0 : _random.Next(12);
        (ulong Start, ulong Bytes) area = _areas.Count == 0 ? (0x1000, 0x1000) : _areas[_random.Next(_areas.Count)];
        string start = $"0x{area.Start:x}";
        switch (kind)
        {
            case 0 or 1 or 2:
                Map(task, isFile: kind == 2);
                break;
            case 3 when _areas.Remove(area):
                Event(task, "munmap", "0", start, $"{area.Bytes}");
                break;
            case 4:
                Event(task, "mprotect", "0", start, $"{area.Bytes}", Pick(Rights));
                break;
            case 5:
                Event(task, "madvise", "0", start, $"{area.Bytes}", Pick(Advice));
                break;
            case 6 when _areas.Remove(area):
                ulong to = Take(2 * area.Bytes);
                Event(task, "mremap", $"0x{to:x}", start, $"{area.Bytes}", $"{2 * area.Bytes}", "MREMAP_MAYMOVE@0x1");
                _areas.Add((to, 2 * area.Bytes));
                break;
            case 7:
                Event(task, "mprotect", "-1 EACCES (Permission denied)", start, "4096", "PROT_WRITE@0x2");
                break;
            case 8:
                Event(task, "write", "5", "1</dev/pts/0<char 136:0>>", $"\"{Strings[_random.Next(Strings.Length)]}\"...", "5");
                break;
            case 9:
                Event(task, "mlock2", "0", start, "4096", "MLOCK_ONFAULT@0x1");
                break;
            case 10 when _tasks < 6:
                Event(
                    task, "clone", $"{1000 + _tasks}", "child_stack=0x7f00",
                    "flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD@0x10f00", "child_tidptr=0x7f10");
                _tasks++;
                break;
            default:
                Event(task, "futex", "0", "0x7f0000000000", "FUTEX_WAKE_PRIVATE", "1");
                break;
        }
    }

    private void Map(int task, bool isFile)
    {
        ulong bytes = (ulong)_random.Next(1, 9) * 4096;
        ulong start = Take(bytes);
        _areas.Add((start, bytes));
        string file = isFile ? $"3<{Paths[_random.Next(Paths.Length)]}>" : "-1";
        string flags = isFile ? "MAP_PRIVATE|MAP_DENYWRITE@0x802" : Pick(Flags);
        string hint = flags.Contains("MAP_FIXED", StringComparison.Ordinal) ? $"0x{start:x}" : "NULL";
        Event(task, "mmap", $"0x{start:x}", hint, $"{bytes}", Pick(Rights), flags, file, isFile ? "0x2000" : "0");
    }

    /// <summary>An address that was never used.</summary>
    private ulong Take(ulong bytes)
    {
        ulong start = _next;
        _next += bytes + 4096;
        return start;
    }

    private string Pick((string Name, int Value)[] values)
    {
        (string name, int value) = values[_random.Next(values.Length)];
        return $"{name}@0x{value:x}";
    }

    private void Event(int task, string name, string result, params string[] arguments) =>
        _events.Add(new StraceEvent(task, name, arguments, result));
}
