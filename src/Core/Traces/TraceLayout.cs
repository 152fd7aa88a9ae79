using VmSim.Core.Addresses;
using VmSim.Core.Programs;
using VmSim.Core.Statistics;
using VmSim.Core.Workloads;

namespace VmSim.Core.Traces;

/// <summary>
/// Which pages a traced program and its children use, and which class each belongs to. So copies can run at other addresses
/// (<see cref="Randomize"/>), as programs do under address space layout randomization.
/// </summary>
/// <remarks>
/// The program's own file, the heap and the named stack are each the interval from their first to their last page. Everything else is one
/// class. Classes that share pages, or that one call spans, move together. The heap follows the program's file, and moves a little beside
/// it. Addresses below 64 KiB (vm.mmap_min_addr) and outside user space never move. Nor does a program file linked to a fixed address
/// (ET_EXEC, 0x400000 by the x86-64 ABI), which Linux does not move either.
/// A class moves by a multiple of what the areas in it are aligned to (<see cref="LayoutNeeds"/>), and of the sets of the filter through
/// which the trace was recorded: so pages share a set of the filter at their new addresses just where they did at those of the recording.
/// </remarks>
public sealed class TraceLayout
{
    private const ulong FixedExecutable = 0x40_0000;
    private const int ClassCount = 4;

    /// <summary>Draws for one class before it stays where it is.</summary>
    private const int Attempts = 64;

    private readonly LayoutEntropy _entropy;
    private readonly ulong[] _first = [ulong.MaxValue, ulong.MaxValue, ulong.MaxValue, ulong.MaxValue];
    private readonly ulong[] _end = new ulong[ClassCount];
    private readonly int[] _group = [0, 1, 2, 3];
    private readonly ulong[] _steps = new ulong[ClassCount];
    private readonly List<(ulong First, ulong End)> _ranges;
    private readonly bool _isFixed;

    /// <summary>Reads a program's layout; takes one pass over its operations.</summary>
    /// <param name="image">The program.</param>
    /// <param name="entropy">How far the kernel moves what.</param>
    /// <param name="filterSets">Sets of the filter through which the trace was recorded, a power of two; 1 for none.</param>
    public TraceLayout(ProgramImage image, LayoutEntropy entropy, int filterSets)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(entropy);
        ArgumentOutOfRangeException.ThrowIfLessThan(filterSets, 1);
        Image = image;
        _entropy = entropy;
        FindExecutable(image);
        FindStackAndHeap(image);
        _isFixed = _first[(int)LayoutClass.Executable] == FixedExecutable >> PageSizes.BaseShift;
        List<(ulong First, ulong End)> calls = [];
        HashSet<ulong> pages = [];
        Collect(image, calls, pages);
        Join(calls);
        FindSteps(image, (ulong)filterSets << PageSizes.BaseShift);
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
    public ProgramImage Randomize(ulong seed) => MovedProgram.By(Image, new Shifts(this, Draw(seed)));

    private ulong ShiftOf(ulong address, ulong[] shifts) => IsKept(address >> PageSizes.BaseShift) ? 0 : shifts[(int)ClassOf(address)];

    /// <summary>
    /// Draws shifts until no two pages meet. A class that finds no room after <see cref="Attempts"/> draws stays.
    /// </summary>
    private ulong[] Draw(ulong seed)
    {
        SeededRandom random = new(seed);
        ulong[] shifts = new ulong[ClassCount];
        for (int leader = 0; leader < ClassCount; leader++)
        {
            if (_group[leader] != leader)
            {
                continue;
            }

            for (int attempt = 0; attempt < Attempts; attempt++)
            {
                Set(shifts, leader, Next(ref random, leader, shifts));
                if (IsFree(shifts))
                {
                    break;
                }

                Set(shifts, leader, 0);
            }
        }

        return shifts;
    }

    /// <summary>A shift in bytes, as an unsigned difference: up, or down for what ends too high to be moved up by any draw.</summary>
    private ulong Next(ref SeededRandom random, int leader, ulong[] shifts)
    {
        bool isHeap = leader == (int)LayoutClass.Heap && _group[(int)LayoutClass.Stack] != leader;
        int bits = leader == (int)LayoutClass.Stack ? _entropy.StackBits : _entropy.MappingBits;
        ulong span = isHeap ? _entropy.HeapBytes : 1UL << (bits + PageSizes.BaseShift);
        ulong step = _steps[leader];
        ulong bytes = random.Below(Math.Max(1, span / step)) * step;
        if (isHeap)
        {
            // Behind the program's file, wherever that is.
            return bytes + (_isFixed ? 0 : shifts[(int)LayoutClass.Executable] / step * step);
        }

        return HighestEnd(leader) + span > _entropy.UserBytes ? 0 - bytes : bytes;
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
            if (!IsKept(first)
                && (start < LayoutEntropy.LowestMovable >> PageSizes.BaseShift || stop > _entropy.UserBytes >> PageSizes.BaseShift))
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
        !_entropy.MayMove(page << PageSizes.BaseShift)
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
            if (call.Length > 0 && !MovedProgram.IsWholeSpace(call))
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

    /// <summary>
    /// What each class moves by multiples of: the largest of a page, of the filter's sets, and of what areas in it are aligned to.
    /// </summary>
    private void FindSteps(ProgramImage image, ulong least)
    {
        Array.Fill(_steps, Math.Max(PageSizes.BaseBytes, least));
        IEnumerable<SystemCall> calls = CallsOf(image).Where(call => !MovedProgram.IsWholeSpace(call));
        foreach ((ulong address, ulong bytes) in LayoutNeeds.Of(calls, _entropy.FileAlignment))
        {
            if (!IsKept(address >> PageSizes.BaseShift))
            {
                ref ulong step = ref _steps[_group[(int)ClassOf(address)]];
                step = Math.Max(step, bytes);
            }
        }
    }

    private static IEnumerable<SystemCall> CallsOf(ProgramImage image) =>
        image.InitialMappings.Concat(image.Threads.SelectMany(thread => thread.SystemCalls))
            .Concat(image.Children.SelectMany(CallsOf));

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

    private readonly struct Shifts(TraceLayout layout, ulong[] shifts) : IAddressMove
    {
        public ulong Of(ulong address) => layout.ShiftOf(address, shifts);

        /// <summary>A break is the end of the heap, where another class may begin.</summary>
        public ulong OfBreak(VirtAddr address) => shifts[(int)LayoutClass.Heap];
    }
}
