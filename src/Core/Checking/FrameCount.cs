using VmSim.Core.Addresses;
using VmSim.Core.Kernel;
using VmSim.Core.Memory;
using VmSim.Core.Paging;

namespace VmSim.Core.Checking;

/// <summary>
/// Counts a pool's frames anew, from what refers to them: page tables, files and shared objects, and releases that are still to come. The
/// pool's own numbers are only compared with.
/// </summary>
internal sealed class FrameCount
{
    private const int BlockShift = 9;
    private const int BlockFrames = 1 << BlockShift;
    private readonly FramePool _pool;
    private readonly ulong _first;
    private int[]?[] _references = [];

    private FrameCount(FramePool pool)
    {
        _pool = pool;
        _first = pool.Zero.PageNumber;
    }

    /// <summary>References by page tables, by files and shared objects, and by releases to come.</summary>
    private (long Mapped, long Objects, long Released) _counts;

    /// <summary>Counts the frames and table pages of a memory pool.</summary>
    /// <param name="pool">The pool.</param>
    /// <param name="over">Whether nothing is left to do, so that every release must have come.</param>
    /// <returns>What is wrong, one sentence each; empty for nothing.</returns>
    public static IReadOnlyList<string> Check(MemoryPool pool, bool over)
    {
        FrameCount count = new(pool.Frames);
        HashSet<MemoryObject> objects = [.. pool.Cache.Files];
        List<string> problems = [];
        foreach (AddressSpace space in pool.Members)
        {
            IReadOnlyList<ReleaseBatch> pending = space.PendingReleases;
            count.AddMapped(space, objects);
            count.AddPending(pending);
            CheckTables(space, pending, problems);
            if (over && pending.Count > 0)
            {
                problems.Add($"{space.Name} has given up {pending.Sum(batch => batch.FrameReferences)} frames and "
                    + $"{pending.Sum(batch => batch.Tables.Count)} table pages "
                    + "that never came back: nothing is left to do, and nobody will release them");
            }
        }

        count.AddObjects(objects);
        count.Compare(problems);
        return problems;
    }

    private static void CheckTables(AddressSpace space, IReadOnlyList<ReleaseBatch> pending, List<string> problems)
    {
        PageTable table = space.Table;
        int found = CountTables(table, table.Root, table.Format.Levels - 1);
        int freed = pending.Sum(batch => batch.Tables.Count);
        if (found != table.TablePages || freed != table.FreedTablePages)
        {
            problems.Add(
                $"{space.Name}: {found} table pages hang in the page table and {freed} wait for their release; it says "
                    + $"{table.TablePages} and {table.FreedTablePages}");
        }
    }

    private static int CountTables(PageTable table, int page, int level)
    {
        int count = 1;
        for (int index = 0; level > 0 && index < EntryLayout.EntriesPerTable; index++)
        {
            ulong entry = table.ReadEntryNow(page, index);
            if (entry != 0 && !table.Format.Layout.IsLeaf(entry, level))
            {
                count += CountTables(table, table.Format.Layout.ChildTable(entry), level - 1);
            }
        }

        return count;
    }

    private void AddMapped(AddressSpace space, HashSet<MemoryObject> objects)
    {
        if (space.Memory is not { } memory)
        {
            return;
        }

        foreach (AreaSet.Area area in memory.AreasIn(default, ulong.MaxValue))
        {
            if (area.Backend.Backing.Object is { } source)
            {
                objects.Add(source);
            }

            if (!area.Backend.Backing.IsOutside)
            {
                foreach (MappedLeaf leaf in space.Table.Leaves(area.Start, area.Size))
                {
                    _counts.Mapped += Add(leaf.Entry.Frame, leaf.Entry.Size.BasePages());
                }
            }
        }
    }

    private void AddPending(IReadOnlyList<ReleaseBatch> pending)
    {
        foreach (ReleaseBatch batch in pending)
        {
            foreach (FrameRun run in batch.Frames)
            {
                _counts.Released += Add(run.First, run.Count);
            }
        }
    }

    private void AddObjects(HashSet<MemoryObject> objects)
    {
        foreach (MemoryObject source in objects)
        {
            foreach (PhysAddr frame in source.Frames)
            {
                _counts.Objects += Add(frame, 1);
            }
        }
    }

    /// <summary>Adds a reference to each of several adjacent frames; those of zeros are not counted.</summary>
    private long Add(PhysAddr frame, ulong frames)
    {
        if (_pool.IsZero(frame))
        {
            return 0;
        }

        for (ulong i = 0; i < frames; i++)
        {
            ulong index = frame.PageNumber + i - _first;
            ulong block = index >> BlockShift;
            if (block >= (ulong)_references.Length)
            {
                Array.Resize(ref _references, (int)Math.Max(block + 1, 2 * (ulong)_references.Length));
            }

            (_references[block] ??= new int[BlockFrames])[index & (BlockFrames - 1)]++;
        }

        return (long)frames;
    }

    private static string Count(int references) => references == 1 ? "1 reference" : $"{references} references";

    private void Compare(List<string> problems)
    {
        long used = 0;
        string? first = null;
        for (ulong index = BlockFrames; index < Math.Max((ulong)_references.Length << BlockShift, _pool.FramesTouched); index++)
        {
            int counted = index >> BlockShift < (ulong)_references.Length && _references[index >> BlockShift] is { } block
                ? block[index & (BlockFrames - 1)]
                : 0;
            int said = _pool.References(PhysAddr.OfPage(_first + index));
            used += counted > 0 ? 1 : 0;
            if (counted != said)
            {
                first ??= $"frame 0x{_first + index:x} ({_pool.KindOf(PhysAddr.OfPage(_first + index))}) has {Count(said)} in the "
                    + $"pool, and {counted} can be found";
            }
        }

        if (first is not null || used != _pool.Allocated)
        {
            problems.Add(
                $"{_pool.Allocated} frames are allocated and {used} are in use: page tables refer to {_counts.Mapped}, files and "
                    + $"shared objects to {_counts.Objects}, releases to come to {_counts.Released}");
            problems.Add(first ?? "every frame for itself is right, so the pool's sum is wrong");
        }
    }
}
