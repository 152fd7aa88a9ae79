using VmSim.Core.Addresses;
using VmSim.Core.Memory;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Paging;

namespace VmSim.Core.Checking;

/// <content>Areas against page table: no area overlaps another, and every translation lies in areas that allow its rights.</content>
internal sealed partial class SpaceChecker
{
    /// <inheritdoc/>
    public void Ends(long now) => CheckAgreement(now);

    /// <summary>Compares all areas, the whole page table and the whole copy; for the end of the process, and of the run.</summary>
    public void CheckAgreement(long now)
    {
        if (_space.Memory is not { } memory)
        {
            return;
        }

        AreaCursor areas = new(memory, 0, UserBytes >> PageSizes.BaseShift);
        foreach (MappedLeaf leaf in _space.Table.Leaves(default, UserBytes))
        {
            ulong page = leaf.Address.PageNumber;
            string? problem = areas.Problem(leaf, page, page + leaf.Entry.Size.BasePages());
            if (problem is null && _pages[page] != CopyOf(leaf, 0))
            {
                problem =
                    $"the page table maps {leaf.Address} to frame 0x{leaf.Entry.Frame.PageNumber:x}, and no operation has put that there";
            }

            if (problem is not null)
            {
                Disagree(now, problem, null);
                return;
            }
        }

        if (areas.Rest() is { } overlap)
        {
            Disagree(now, overlap, null);
        }
    }

    private void Disagree(long now, string problem, OperationTrace? operation)
    {
        TraceLines lines = operation is null
            ? new TraceLines().Add(now, "all of it is compared; no operation since the last check is known to have done it")
            : new TraceLines().Add(now, $"core {operation.Core}, thread {operation.Thread}: {operation.What} starts");
        Report(CheckRule.TableDisagrees, now, problem, lines.Add(now, problem));
    }

    /// <summary>Goes through areas beside the leaves of the page table.</summary>
    private struct AreaCursor
    {
        private AreaSet.AreaEnumerator _walk;
        private AddrRange<VirtAddr> _range;
        private ulong _end;
        private AreaFlags _flags;
        private bool _some;
        private string? _overlap;

        public AreaCursor(VirtualMemory memory, ulong first, ulong end)
        {
            _walk = memory.AreasIn(VirtAddr.OfPage(first), (end - first) << PageSizes.BaseShift).GetEnumerator();
            _some = true;
            Next();
        }

        /// <summary>What is wrong with a part of a leaf, or with the areas up to it; null for nothing.</summary>
        public string? Problem(in MappedLeaf leaf, ulong from, ulong to)
        {
            ulong at = from << PageSizes.BaseShift;
            ulong end = to << PageSizes.BaseShift;
            while (at < end)
            {
                while (_some && _end <= at)
                {
                    Next();
                }

                if (_overlap is not null)
                {
                    return _overlap;
                }

                if (!_some || _range.Start.Value > at)
                {
                    return $"the page table maps {new VirtAddr(at)} to frame "
                        + $"0x{leaf.Entry.Frame.PageNumber + ((at - leaf.Address.Value) >> PageSizes.BaseShift):x}, where no area is";
                }

                if (!Allows(_flags, leaf.Entry.Flags))
                {
                    return $"the page table lets {new VirtAddr(at)} be used to {TraceLines.Words(leaf.Entry.Flags)}; its area is {_flags}";
                }

                at = _end;
            }

            return null;
        }

        /// <summary>Goes through the areas that are left; what is wrong with them, null for nothing.</summary>
        public string? Rest()
        {
            while (_some)
            {
                Next();
            }

            return _overlap;
        }

        private static bool Allows(AreaFlags area, PageFlags leaf) =>
            ((leaf & PageFlags.Write) == 0 || (area & AreaFlags.Write) != 0)
                && ((leaf & PageFlags.Execute) == 0 || (area & AreaFlags.Execute) != 0);

        private void Next()
        {
            _some = _walk.MoveNext();
            if (_some)
            {
                _range = _walk.Current.Range;
                _flags = _walk.Current.Flags;
                if (_range.Start.Value < _end)
                {
                    _overlap ??= $"area {_range} begins before the area below it ends, at {new VirtAddr(_end - 1)}";
                }

                _end = _range.Last.Value + 1;
            }
        }
    }
}
