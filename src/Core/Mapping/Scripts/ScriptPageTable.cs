using VmSim.Core.Addresses;

namespace VmSim.Core.Mapping.Scripts;

/// <summary>What a script's page-table entry maps.</summary>
internal enum ScriptEntryKind : byte
{
    /// <summary>Written M: present, without a physical address.</summary>
    Mock,

    /// <summary>An entry that a linear backend made; written L.</summary>
    Linear,

    /// <summary>Written Z: lazy and not filled yet.</summary>
    Lazy,

    /// <summary>Written F: lazy and filled with a frame.</summary>
    Filled,
}

/// <summary>A run of addresses with equal entries and, for linear and filled ones, physical addresses in a row.</summary>
internal readonly record struct ScriptRun(ulong First, ulong Last, byte Flags, ScriptEntryKind Kind, ulong Physical)
{
    public bool HasPhysical => Kind is ScriptEntryKind.Linear or ScriptEntryKind.Filled;

    public ulong PhysicalAt(ulong address) => Physical + (address - First);

    public ScriptRun Cut(ulong first, ulong last)
    {
        ulong from = Math.Max(First, first);
        return this with { First = from, Last = Math.Min(Last, last), Physical = HasPhysical ? PhysicalAt(from) : 0 };
    }

    public bool Continues(in ScriptRun before) =>
        before.Last + 1 == First && before.Kind == Kind && before.Flags == Flags && (!HasPhysical || before.PhysicalAt(First) == Physical);
}

/// <summary>A sparse page table with an entry for each byte, kept as runs, that can take changes back.</summary>
internal sealed class ScriptPageTable : IUndoablePageTable
{
    private readonly List<ScriptRun> _runs = [];
    private readonly List<Change> _journal = [];
    private int _openMarks;

    /// <summary>The runs by rising address; none continues the one before it.</summary>
    public IReadOnlyList<ScriptRun> Runs => _runs;

    public bool IsAbsent(ulong first, ulong last)
    {
        int index = FirstReaching(first);
        return index == _runs.Count || _runs[index].First > last;
    }

    public bool IsPresent(ulong first, ulong last)
    {
        ulong next = first;
        for (int index = FirstReaching(first); index < _runs.Count && _runs[index].First <= next; index++)
        {
            if (_runs[index].Last >= last)
            {
                return true;
            }

            next = _runs[index].Last + 1;
        }

        return false;
    }

    public bool TryGet(ulong address, out ScriptRun run)
    {
        int index = FirstReaching(address);
        run = index < _runs.Count ? _runs[index] : default;
        return index < _runs.Count && run.First <= address;
    }

    public void Write(in ScriptRun run) => Replace(run.First, run.Last, [run]);

    public void Erase(ulong first, ulong last) => Replace(first, last, []);

    public void SetFlags(ulong first, ulong last, byte flags) =>
        Replace(first, last, [.. PiecesOf(first, last).Select(piece => piece with { Flags = flags })]);

    public int Mark()
    {
        _openMarks++;
        return _journal.Count;
    }

    public void Rollback(int mark)
    {
        for (int i = _journal.Count - 1; i >= mark; i--)
        {
            Put(_journal[i].First, _journal[i].Last, _journal[i].Old);
        }

        Close(mark);
    }

    public void Commit(int mark) => Close(_openMarks == 1 ? 0 : _journal.Count);

    private void Close(int kept)
    {
        _openMarks--;
        _journal.RemoveRange(kept, _journal.Count - kept);
    }

    private void Replace(ulong first, ulong last, ScriptRun[] runs)
    {
        if (_openMarks > 0)
        {
            _journal.Add(new Change(first, last, PiecesOf(first, last)));
        }

        Put(first, last, runs);
    }

    private ScriptRun[] PiecesOf(ulong first, ulong last)
    {
        List<ScriptRun> pieces = [];
        for (int index = FirstReaching(first); index < _runs.Count && _runs[index].First <= last; index++)
        {
            pieces.Add(_runs[index].Cut(first, last));
        }

        return [.. pieces];
    }

    private void Put(ulong first, ulong last, ScriptRun[] runs)
    {
        int from = FirstReaching(first);
        int to = from;
        List<ScriptRun> after = [];
        if (from > 0)
        {
            from--;
            after.Add(_runs[from]);
        }

        for (; to < _runs.Count && _runs[to].First <= last; to++)
        {
            if (_runs[to].First < first)
            {
                after.Add(_runs[to].Cut(0, first - 1));
            }
        }

        foreach (ScriptRun run in runs)
        {
            Join(after, run);
        }

        if (to > 0 && _runs[to - 1].Last > last)
        {
            Join(after, _runs[to - 1].Cut(last + 1, ulong.MaxValue));
        }

        if (to < _runs.Count)
        {
            Join(after, _runs[to]);
            to++;
        }

        _runs.RemoveRange(from, to - from);
        _runs.InsertRange(from, after);
    }

    private static void Join(List<ScriptRun> runs, in ScriptRun run)
    {
        if (runs.Count > 0 && run.Continues(runs[^1]))
        {
            runs[^1] = runs[^1] with { Last = run.Last };
        }
        else
        {
            runs.Add(run);
        }
    }

    private int FirstReaching(ulong address)
    {
        int low = 0;
        int high = _runs.Count;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_runs[middle].Last >= address)
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }

        return low;
    }

    private readonly record struct Change(ulong First, ulong Last, ScriptRun[] Old);
}

/// <summary>A backend of a script: refuses to map what is present, and to unmap or protect what is absent.</summary>
internal sealed record ScriptBackend(ScriptEntryKind Kind, ulong Offset) : IMappingBackend<VirtAddr, byte, ScriptPageTable>
{
    public bool Map(VirtAddr start, ulong size, byte flags, ScriptPageTable pageTable)
    {
        ulong last = start.Value + (size - 1);
        if (!pageTable.IsAbsent(start.Value, last))
        {
            return false;
        }

        pageTable.Write(new ScriptRun(start.Value, last, flags, Kind, Kind == ScriptEntryKind.Linear ? start.Value + Offset : 0));
        return true;
    }

    public bool Unmap(VirtAddr start, ulong size, ScriptPageTable pageTable)
    {
        ulong last = start.Value + (size - 1);
        if (!pageTable.IsPresent(start.Value, last))
        {
            return false;
        }

        pageTable.Erase(start.Value, last);
        return true;
    }

    public bool Protect(VirtAddr start, ulong size, byte newFlags, ScriptPageTable pageTable)
    {
        ulong last = start.Value + (size - 1);
        if (!pageTable.IsPresent(start.Value, last))
        {
            return false;
        }

        pageTable.SetFlags(start.Value, last, newFlags);
        return true;
    }

    public override string ToString() => Kind switch
    {
        ScriptEntryKind.Linear => $"linear:0x{Offset:x}",
        ScriptEntryKind.Lazy => "lazy",
        _ => "mock",
    };
}

/// <summary>The memory set of a script.</summary>
internal sealed class ScriptSet : MemorySet<VirtAddr, byte, ScriptPageTable, ScriptBackend>;
