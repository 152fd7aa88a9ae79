using System.Globalization;
using System.Text;
using VmSim.Core.Addresses;

namespace VmSim.Core.Mapping.Scripts;

/// <summary>
/// Runs a script of memory-set operations. A refused operation leaves everything as it was, and the state printed is that state.
/// </summary>
public sealed partial class OperationScript
{
    private const ulong PageMask = 0xfff;
    private const ulong FirstFrame = 0x100000000000;

    private readonly TextWriter _output;
    private readonly StringBuilder _state = new();
    private ScriptSet _set = new();
    private ScriptPageTable _table = new();
    private ulong _frames;
    private int _number;

    private OperationScript(TextWriter output) => _output = output;

    /// <summary>
    /// Runs the operations of a script, one a line, on one memory set that is empty at first, and writes one result line for each.
    /// </summary>
    /// <param name="script">The script; lines that are blank or start with # are passed over.</param>
    /// <param name="output">Takes the results, with line feeds; the results of the lines before a wrong one are in it.</param>
    /// <param name="name">What the script is called in errors; null for a script that is the only one.</param>
    /// <returns>How many operations there were.</returns>
    /// <exception cref="ScriptException">A line is not an operation.</exception>
    public static int Run(TextReader script, TextWriter output, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(script);
        ArgumentNullException.ThrowIfNull(output);
        OperationScript run = new(output);
        int line = 0;
        while (TextLines.Read(script, problem => new ScriptException(name, line + 1, problem)) is { } text)
        {
            line++;
            string trimmed = text.Trim();
            if (trimmed.Length > 0 && trimmed[0] != '#')
            {
                run.Execute(new ScriptLine(name, line, trimmed));
            }
        }

        return run._number;
    }

    private void Execute(ScriptLine line)
    {
        string result = line.Operation switch
        {
            "map" => Map(line),
            "unmap" => Unmap(line),
            "protect" => Protect(line),
            "find" => Find(line),
            "over" => Overlaps(line),
            "free" => Free(line),
            "touch" => Touch(line),
            "poke" => Poke(line),
            "drop" => Drop(line),
            "clear" => Clear(line),
            "reset" => Reset(line),
            "len" => Length(line),
            "dump" => Dump(line),
            _ =>
                throw line.Wrong(
                    $"'{line.Operation}' is no operation; there are map, unmap, protect, find, over, free, touch, poke, drop, clear, "
                        + $"reset, len and dump"),
        };
        _number++;
        _output.Write(string.Create(CultureInfo.InvariantCulture, $"{_number} {line.Operation} {result}\n"));
    }

    private string Map(ScriptLine line)
    {
        ulong start = line.Number("START");
        ulong size = line.Number("SIZE");
        byte flags = line.Flags("FLAGS");
        ScriptBackend backend = line.Backend();
        bool over = line.Choice("OV");
        line.End();
        ScriptSet.Area area = new(new VirtAddr(start), size, flags, backend);
        bool done = over ? _set.TryMapOver(area, _table, out MappingError<VirtAddr> error) : _set.TryMap(area, _table, out error);
        return Outcome(done, error);
    }

    private string Unmap(ScriptLine line)
    {
        ulong start = line.Number("START");
        ulong size = line.Number("SIZE");
        line.End();
        return Outcome(_set.TryUnmap(new VirtAddr(start), size, _table, out MappingError<VirtAddr> error), error);
    }

    private string Protect(ScriptLine line)
    {
        ulong start = line.Number("START");
        ulong size = line.Number("SIZE");
        byte flags = line.Flags("NEW");
        byte? onlyIf = line.HasMore ? line.Flags("ONLYIF") : null;
        line.End();
        return Outcome(
            _set.TryProtect(new VirtAddr(start), size, new RightsUpdate(flags, onlyIf), _table, out MappingError<VirtAddr> error), error);
    }

    private string Find(ScriptLine line)
    {
        ulong address = line.Number("ADDR");
        line.End();
        return _set.TryFind(new VirtAddr(address), out MemorySet<VirtAddr, byte, ScriptPageTable, ScriptBackend>.Area area)
            ? Describe(area)
            : "none";
    }

    private string Overlaps(ScriptLine line)
    {
        ulong start = line.Number("START");
        ulong end = line.Number("END");
        line.End();
        if (start > end)
        {
            throw line.Wrong("START is above END");
        }

        // An empty range overlaps the area that it lies inside of: one that starts before it and ends after it.
        bool overlaps = start < end
            ? _set.Overlaps(new AddrRange<VirtAddr>(new VirtAddr(start), new VirtAddr(end - 1)))
            : _set.TryFind(new VirtAddr(start), out ScriptSet.Area area) && area.Start.Value < start;
        return overlaps ? "true" : "false";
    }

    private string Free(ScriptLine line)
    {
        ulong hint = line.Number("HINT");
        ulong size = line.Number("SIZE");
        ulong start = line.Number("LIMSTART");
        ulong end = line.Number("LIMEND");
        ulong align = line.Number("ALIGN");
        line.End();
        VirtAddr? found = end <= start
            ? null
            : _set.FindFreeArea(new VirtAddr(hint), size, new AddrRange<VirtAddr>(new VirtAddr(start), new VirtAddr(end - 1)), align);
        return found?.ToString() ?? "none";
    }

    private string Touch(ScriptLine line)
    {
        ulong address = line.Number("ADDR");
        byte access = line.Flags("ACCESS");
        line.End();
        if (!_set.TryFind(new VirtAddr(address), out MemorySet<VirtAddr, byte, ScriptPageTable, ScriptBackend>.Area area))
        {
            return "fault unmapped";
        }

        if ((area.Flags & access) != access)
        {
            return "fault perm";
        }

        if (!_table.TryGet(address, out ScriptRun run))
        {
            return "fault noentry";
        }

        ulong page = address & ~PageMask;
        switch (run.Kind)
        {
            case ScriptEntryKind.Mock:
                return "ok hit -";
            case ScriptEntryKind.Linear or ScriptEntryKind.Filled:
                return $"ok hit 0x{run.PhysicalAt(page):x}";
            case ScriptEntryKind.Lazy when area.Backend.Kind == ScriptEntryKind.Lazy:
                ulong frame = FirstFrame + (_frames << PageSizes.BaseShift);
                _frames++;
                ScriptRun filled = run.Cut(Math.Max(page, area.Start.Value), Math.Min(page | PageMask, area.Last.Value));
                _table.Write(filled with { Kind = ScriptEntryKind.Filled, Flags = area.Flags, Physical = frame + (filled.First - page) });
                return $"ok filled 0x{frame:x} {Fingerprint()}";
            default:
                return "fault noentry";
        }
    }

    private string Poke(ScriptLine line)
    {
        ulong page = line.Number("ADDR") & ~PageMask;
        byte flags = line.Flags("FLAGS");
        line.End();
        if (!_table.IsAbsent(page, page | PageMask))
        {
            return "exists";
        }

        _table.Write(new ScriptRun(page, page | PageMask, flags, ScriptEntryKind.Mock, 0));
        return $"ok {Fingerprint()}";
    }

    private string Drop(ScriptLine line)
    {
        ulong page = line.Number("ADDR") & ~PageMask;
        line.End();
        if (!_table.IsPresent(page, page | PageMask))
        {
            return "absent";
        }

        _table.Erase(page, page | PageMask);
        return $"ok {Fingerprint()}";
    }

    private string Clear(ScriptLine line)
    {
        line.End();
        return Outcome(_set.TryClear(_table, out MappingError<VirtAddr> error), error);
    }

    private string Reset(ScriptLine line)
    {
        line.End();
        _set = new ScriptSet();
        _table = new ScriptPageTable();
        _frames = 0;
        return "ok";
    }

    private string Length(ScriptLine line)
    {
        line.End();
        return _set.Count.ToString(CultureInfo.InvariantCulture);
    }

    private string Dump(ScriptLine line)
    {
        line.End();
        string end = Fingerprint();
        return string.Create(
            CultureInfo.InvariantCulture, $"areas={_set.Count} runs={_table.Runs.Count} frames={_frames}\n{_state}end {end}");
    }

    private readonly struct RightsUpdate(byte rights, byte? onlyIf) : IFlagsUpdate<byte>
    {
        private const byte Rights = 7;

        public bool TryUpdate(byte old, out byte updated)
        {
            updated = (byte)((rights & Rights) | (old & ~Rights));
            return (onlyIf is null || onlyIf == old) && updated != old;
        }
    }
}
