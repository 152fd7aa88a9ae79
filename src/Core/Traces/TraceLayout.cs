using VmSim.Core.Addresses;
using VmSim.Core.Programs;

namespace VmSim.Core.Traces;

/// <summary>
/// Which pages a traced program and its children use, and which class each belongs to. So copies can run at other addresses
/// (<see cref="Randomize"/>), as programs do under address space layout randomization.
/// </summary>
/// <remarks>
/// The program's own file, the heap and the named stack are each the interval from their first to their last page. Everything else is one
/// class. Classes that share pages, or that one call spans, move together. Addresses below 64 KiB (vm.mmap_min_addr) and outside user space
/// never move. Nor does a program file linked to a fixed address (ET_EXEC, 0x400000 by the x86-64 ABI), which Linux does not move either.
/// </remarks>
public sealed class TraceLayout
{
    private const ulong LowestMovable = 0x1_0000;
    private const ulong FixedExecutable = 0x40_0000;
    private const int ClassCount = 4;
    private readonly ulong[] _first = [ulong.MaxValue, ulong.MaxValue, ulong.MaxValue, ulong.MaxValue];
    private readonly ulong[] _end = new ulong[ClassCount];
    private readonly int[] _group = [0, 1, 2, 3];
    private readonly List<(ulong First, ulong End)> _ranges;
    private readonly bool _isFixed;

    /// <summary>Reads a program's layout; takes one pass over its operations.</summary>
    public TraceLayout(ProgramImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        Image = image;
        FindExecutable(image);
        FindStackAndHeap(image);
        _isFixed = _first[(int)LayoutClass.Executable] == FixedExecutable >> PageSizes.BaseShift;
        List<(ulong First, ulong End)> calls = [];
        HashSet<ulong> pages = [];
        Collect(image, calls, pages);
        Join(calls);
        calls.AddRange(pages.Select(page => (page, page + 1)));
        _ranges = Disjoint(calls);
        foreach ((ulong first, ulong end) in _ranges)
        {
            KeptPages += CountKept(first, end);
        }
    }

    /// <summary>The program as recorded.</summary>
    public ProgramImage Image { get; }

    /// <summary>Pages used or named by a call that stay where they were recorded, since Linux does not move them.</summary>
    public ulong KeptPages { get; }

    /// <summary>The class of an address.</summary>
    public LayoutClass ClassOf(ulong address)
    {
        ulong page = address >> PageSizes.BaseShift;
        for (int index = 1; index < ClassCount; index++)
        {
            if (page >= _first[index] && page < _end[index])
            {
                return (LayoutClass)index;
            }
        }

        return LayoutClass.Mappings;
    }

    /// <summary>The program at other addresses; the same for the same seed.</summary>
    /// <param name="seed">Where the draws begin.</param>
    public ProgramImage Randomize(ulong seed) => new AddressShift(this, Draw(seed)).Apply(Image);

    /// <summary>Bytes that an address moves by, as an unsigned difference.</summary>
    /// <param name="address">Any address.</param>
    /// <param name="shifts">Bytes for each class.</param>
    internal ulong ShiftOf(ulong address, ulong[] shifts) => IsKept(address >> PageSizes.BaseShift) ? 0 : shifts[(int)ClassOf(address)];

    /// <summary>
    /// Draws shifts until no two pages meet. A class that finds no room after <see cref="LayoutDraw.Attempts"/> draws stays.
    /// </summary>
    private ulong[] Draw(ulong seed)
    {
        LayoutDraw draw = new LayoutDraw(seed);
        ulong[] shifts = new ulong[ClassCount];
        for (int leader = 0; leader < ClassCount; leader++)
        {
            if (_group[leader] != leader)
            {
                continue;
            }

            for (int attempt = 0; attempt < LayoutDraw.Attempts; attempt++)
            {
                Set(shifts, leader, draw.Next(HighestEnd(leader)));
                if (IsFree(shifts))
                {
                    break;
                }

                Set(shifts, leader, 0);
            }
        }

        return shifts;
    }

    private void Set(ulong[] shifts, int leader, ulong value)
    {
        for (int index = 0; index < ClassCount; index++)
        {
            shifts[index] = _group[index] == leader ? value : shifts[index];
        }
    }

    private ulong HighestEnd(int leader)
    {
        ulong highest = 0;
        foreach ((ulong first, ulong end) in _ranges)
        {
            bool belongs = _group[(int)ClassOf(first << PageSizes.BaseShift)] == leader && !IsKept(first);
            highest = belongs ? Math.Max(highest, end << PageSizes.BaseShift) : highest;
        }

        return highest;
    }

    private bool IsFree(ulong[] shifts)
    {
        List<(ulong First, ulong End)> moved = [];
        foreach ((ulong first, ulong end) in _ranges)
        {
            ulong shift = ShiftOf(first << PageSizes.BaseShift, shifts) >> PageSizes.BaseShift;
            ulong start = (first + shift) & (ulong.MaxValue >> PageSizes.BaseShift);
            ulong stop = start + (end - first);
            if (!IsKept(first) && (start < LowestMovable >> PageSizes.BaseShift || stop > TraceCalls.UserBytes >> PageSizes.BaseShift))
            {
                return false;
            }

            moved.Add((start, stop));
        }

        moved.Sort();
        for (int index = 1; index < moved.Count; index++)
        {
            if (moved[index].First < moved[index - 1].End)
            {
                return false;
            }
        }

        return true;
    }

    private bool IsKept(ulong page) =>
        page < LowestMovable >> PageSizes.BaseShift || page >= TraceCalls.UserBytes >> PageSizes.BaseShift
        || (_isFixed && page >= _first[(int)LayoutClass.Executable] && page < _end[(int)LayoutClass.Executable]);

    private ulong CountKept(ulong first, ulong end) => IsKept(first) ? end - first : 0;

    /// <summary>
    /// The lowest initial file mapping is the program's own, with all others of that file and the zeroed memory right behind it (bss).
    /// </summary>
    private void FindExecutable(ProgramImage image)
    {
        SystemCall? lowest = image.InitialMappings.Where(call => call.Source == MappingSource.File).MinBy(call => call.Start.Value);
        foreach (SystemCall call in image.InitialMappings)
        {
            if (lowest is not null && call.FileId == lowest.FileId)
            {
                Extend(LayoutClass.Executable, call.Start.Value, call.Length);
            }
        }

        ulong fileEnd = _end[(int)LayoutClass.Executable];
        SystemCall? behind = image.InitialMappings.FirstOrDefault(
            call => call.Source == MappingSource.Anonymous && call.Start.Value >> PageSizes.BaseShift == fileEnd);
        if (lowest is not null && behind is not null)
        {
            Extend(LayoutClass.Executable, behind.Start.Value, behind.Length);
        }
    }

    private void FindStackAndHeap(ProgramImage image)
    {
        foreach (SystemCall call in image.InitialMappings)
        {
            if (call.Name == "[stack]")
            {
                Extend(LayoutClass.Stack, call.Start.Value, call.Length);
            }
        }

        ExtendHeap(image, image.InitialBreak.Value);
    }

    private void ExtendHeap(ProgramImage image, ulong start)
    {
        foreach (SystemCall call in image.Threads.SelectMany(thread => thread.SystemCalls))
        {
            if (call.Kind == SystemCallKind.SetBreak && start != 0 && call.Start.Value > start)
            {
                Extend(LayoutClass.Heap, start, call.Start.Value - start);
            }
        }

        foreach (ProgramImage child in image.Children)
        {
            ExtendHeap(child, start);
        }
    }

    private void Extend(LayoutClass kind, ulong start, ulong length)
    {
        (ulong first, ulong end) = Pages(start, length);
        _first[(int)kind] = Math.Min(_first[(int)kind], first);
        _end[(int)kind] = Math.Max(_end[(int)kind], end);
    }

    private static (ulong First, ulong End) Pages(ulong start, ulong length) =>
        (start >> PageSizes.BaseShift, ((start + (length - 1)) >> PageSizes.BaseShift) + 1);

    private static void Collect(ProgramImage image, List<(ulong First, ulong End)> calls, HashSet<ulong> pages)
    {
        foreach (SystemCall call in image.InitialMappings.Concat(image.Threads.SelectMany(thread => thread.SystemCalls)))
        {
            if (call.Length > 0 && !AddressShift.IsWholeSpace(call))
            {
                calls.Add(Pages(call.Start.Value, call.Length));
            }

            if (call.NewLength > 0)
            {
                calls.Add(Pages(call.NewStart.Value, call.NewLength));
            }

            calls.AddRange(call.MoreRanges.Select(range => Pages(range.Start.Value, range.Size)));

            if (call.Kind == SystemCallKind.SetBreak)
            {
                pages.Add(call.Start.Value >> PageSizes.BaseShift);
            }
        }

        ulong[] words = new ulong[1024];
        foreach (ThreadProgram thread in image.Threads)
        {
            IOperationStream stream = thread.Open();
            for (int count = stream.Read(words); count > 0; count = stream.Read(words))
            {
                AddPages(words.AsSpan(0, count), pages);
            }
        }

        foreach (ProgramImage child in image.Children)
        {
            Collect(child, calls, pages);
        }
    }

    private static void AddPages(ReadOnlySpan<ulong> words, HashSet<ulong> pages)
    {
        foreach (ulong word in words)
        {
            Operation operation = new(word);
            if (!operation.IsControl)
            {
                pages.Add(operation.PageAddress >> PageSizes.BaseShift);
            }
            else if (operation.Control is ControlKind.KernelLoad or ControlKind.KernelStore)
            {
                pages.Add(operation.Argument);
            }
        }
    }

    /// <summary>Classes that overlap, or that a call's range lies across, move together.</summary>
    private void Join(List<(ulong First, ulong End)> calls)
    {
        for (int index = 1; index < ClassCount; index++)
        {
            for (int other = index + 1; other < ClassCount; other++)
            {
                if (_first[index] < _end[other] && _first[other] < _end[index])
                {
                    Unite(index, other);
                }
            }

            foreach ((ulong first, ulong end) in calls)
            {
                bool touches = first < _end[index] && end > _first[index];
                if (touches && (first < _first[index] || end > _end[index]))
                {
                    Unite(index, 0);
                    Unite(index, (int)ClassOf(first << PageSizes.BaseShift));
                    Unite(index, (int)ClassOf((end - 1) << PageSizes.BaseShift));
                }
            }
        }
    }

    private void Unite(int one, int other)
    {
        (int from, int to) = (Math.Max(_group[one], _group[other]), Math.Min(_group[one], _group[other]));
        for (int index = 0; index < ClassCount; index++)
        {
            _group[index] = _group[index] == from ? to : _group[index];
        }
    }

    /// <summary>Ranges in order without overlaps, cut where classes begin and end.</summary>
    private List<(ulong First, ulong End)> Disjoint(List<(ulong First, ulong End)> ranges)
    {
        ranges.Sort();
        List<(ulong First, ulong End)> disjoint = [];
        foreach ((ulong first, ulong end) in ranges)
        {
            bool joins = disjoint.Count > 0 && first <= disjoint[^1].End
                && ClassOf(first << PageSizes.BaseShift) == ClassOf(disjoint[^1].First << PageSizes.BaseShift)
                && IsKept(first) == IsKept(disjoint[^1].First);
            if (joins)
            {
                disjoint[^1] = (disjoint[^1].First, Math.Max(end, disjoint[^1].End));
            }
            else
            {
                disjoint.Add((first, end));
            }
        }

        return disjoint;
    }
}
