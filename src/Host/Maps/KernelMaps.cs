using System.Globalization;
using System.Text;
using VmSim.Core.Mapping.Scripts;
using VmSim.Core.Programs;
using VmSim.Core.Traces;

namespace VmSim.Host.Maps;

/// <summary>
/// Reads what the kernel says of areas: the file of <c>vmsim capture --maps</c>, or a plain copy of /proc/PID/maps or smaps, which
/// counts as taken at the end.
/// </summary>
internal sealed class KernelMaps
{
    /// <summary>How the file of <c>vmsim capture --maps</c> begins.</summary>
    public const string Head = "# vmaps 1 ";

    /// <summary>The kernel's highest process id, PID_MAX_LIMIT on 64 bits (include/linux/threads.h).</summary>
    private const ulong MostProcesses = 1UL << 22;

    private const string Expected = "a line of /proc/PID/smaps, or '@ PID PARENT EVENT PROGRAM'";
    private readonly string _file;
    private long _line;
    private bool _isCopy;
    private KernelSnapshot? _current;

    private KernelMaps(string file) => _file = file;

    /// <summary>All snapshots in the order in which they were taken.</summary>
    public List<KernelSnapshot> Snapshots { get; } = [];

    /// <summary>Opens a file so that names that are no UTF-8 can be read.</summary>
    public static StreamReader Open(Stream stream) => new(stream, Encoding.Latin1);

    /// <summary>Reads a file to its end.</summary>
    /// <exception cref="TraceFormatException">A line is none that the kernel or the capture writes.</exception>
    public static KernelMaps Read(TextReader reader, string file)
    {
        KernelMaps maps = new(file);
        StringBuilder line = new();
        for (int character = reader.Read(); character >= 0; character = reader.Read())
        {
            // a file's name may hold a carriage return, at which ReadLine would end
            if (character == '\n')
            {
                maps.TakeLine(line);
            }
            else
            {
                line.Append(line.Length < TextLines.MaxLength
                    ? (char)character
                    : throw new TraceFormatException(
                        $"{file}: line {maps._line + 1}: more than {TextLines.MaxLength:N0} characters found; a line has at most as many"));
            }
        }

        maps.TakeLine(line);

        if (maps.Snapshots.Count == 0)
        {
            throw new TraceFormatException($"{file}: it has no area; give a file of 'vmsim capture --maps', or a copy of /proc/PID/maps");
        }

        return maps;
    }

    /// <summary>The snapshots of one process, in their order.</summary>
    /// <param name="process">
    /// Its number in a trace: the kernel's, and <see cref="MostProcesses"/> more for each process that had this number before.
    /// </param>
    public IEnumerable<KernelSnapshot> Of(ulong process)
    {
        ulong before = process == 0 ? 0 : (process - 1) / MostProcesses;
        ulong number = process - (before * MostProcesses);
        foreach (KernelSnapshot snapshot in Snapshots.Where(snapshot => snapshot.Process == number))
        {
            if (before == 0)
            {
                yield return snapshot;
            }

            if (snapshot.Event == SnapshotEvent.Exit && before-- == 0)
            {
                yield break;
            }
        }
    }

    private void TakeLine(StringBuilder line)
    {
        _line++;
        bool endsInReturn = line.Length > 0 && line[^1] == '\r';
        _isCopy |= endsInReturn && _line == 1;
        Take(line.ToString(0, line.Length - (_isCopy && endsInReturn ? 1 : 0)));
        line.Clear();
    }

    private void Take(string line)
    {
        if (line.Length == 0 || line[0] is '#' or '.')
        {
            return;
        }

        if (line[0] == '@')
        {
            Begin(line);
        }
        else if (char.IsAsciiHexDigitLower(line[0]))
        {
            TakeArea(line);
        }
        else
        {
            TakeField(line);
        }
    }

    private void Begin(string line)
    {
        string[] words = line.Split(' ', 5);
        if (words.Length < 4 || !ulong.TryParse(words[1], CultureInfo.InvariantCulture, out ulong process)
            || !long.TryParse(words[2], CultureInfo.InvariantCulture, out long parent))
        {
            throw Bad(line);
        }

        string[] moment = words[3].Split(':');
        _current = new KernelSnapshot
        {
            Process = process,
            Parent = (ulong)Math.Max(0, parent),
            Event = moment[0] switch
            {
                "start" => SnapshotEvent.Start,
                "exec" => SnapshotEvent.Execute,
                "exit" => SnapshotEvent.Exit,
                "call" when moment.Length == 8 => SnapshotEvent.Call,
                _ => throw Bad(line),
            },
            CallName = moment.Length > 1 ? moment[1] : "",
            Arguments = [.. moment.Skip(2).Select(argument => Hex(argument, line))],
            Program = words.Length > 4 ? words[4] : "",
        };
        Snapshots.Add(_current);
    }

    /// <summary>7f6e8d400000-7f6e8d428000 r--p 00000000 fe:01 1234    /usr/lib/libc.so.6</summary>
    private void TakeArea(string line)
    {
        string[] words = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries);
        string[] range = words[0].Split('-');
        if (words.Length < 5 || range.Length != 2 || words[1].Length != 4)
        {
            throw Bad(line);
        }

        (ulong start, ulong end) = (Hex(range[0], line), Hex(range[1], line));
        if (end <= start)
        {
            throw Bad(line);
        }

        if (_current is null)
        {
            _current = new KernelSnapshot { Process = 0, Event = SnapshotEvent.Exit };
            Snapshots.Add(_current);
        }

        _current.Areas.Add(new KernelArea
        {
            Start = start,
            End = end,
            Rights = (words[1][0] == 'r' ? Protection.Read : 0) | (words[1][1] == 'w' ? Protection.Write : 0)
                | (words[1][2] == 'x' ? Protection.Execute : 0),
            IsShared = words[1][3] == 's',
            Offset = Hex(words[2], line),
            Name = words.Length > 5 ? KernelNames.AsInTraces(words[5].TrimStart(' ')) : "",
        });
    }

    /// <summary>Rss:                  88 kB</summary>
    private void TakeField(string line)
    {
        int colon = line.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0 || _current is null)
        {
            throw Bad(line);
        }

        string[] words = line[(colon + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        bool isNumber = words.Length > 0 && long.TryParse(words[0], CultureInfo.InvariantCulture, out _);
        ulong bytes = isNumber ? (ulong)Math.Max(0, long.Parse(words[0], CultureInfo.InvariantCulture)) << 10 : 0;
        KernelArea? area = _current.Areas.Count > 0 ? _current.Areas[^1] : null;
        switch (line[..colon])
        {
            case "MinorFaults" when isNumber:
                _current.MinorFaults = long.Parse(words[0], CultureInfo.InvariantCulture);
                break;
            case "Threads" when isNumber:
                _current.Threads = long.Parse(words[0], CultureInfo.InvariantCulture);
                break;
            case "Rss" when area is not null:
                area.ResidentBytes = bytes;
                break;
            case "Anonymous" when area is not null:
                area.AnonymousBytes = bytes;
                break;
            case "AnonHugePages" or "ShmemPmdMapped" or "FilePmdMapped" when area is not null:
                area.HugeBytes += bytes;
                break;
            default:
                break;
        }
    }

    private ulong Hex(string text, string line) =>
        ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong value) ? value : throw Bad(line);

    private TraceFormatException Bad(string line) => TraceFormatException.AtLine(_file, _line, line, Expected);
}
