using System.Globalization;
using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Memory;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Mmu;
using VmSim.Core.Paging;
using VmSim.Core.Shootdown;
using VmSim.Host.Terminal;

namespace VmSim.Host.Reporting;

/// <summary>Shows a world that has come to some time: cores, areas, page tables as trees, TLBs and walks, in 80 columns.</summary>
/// <param name="world">The world.</param>
/// <param name="output">Takes the lines.</param>
/// <param name="linesMax">Lines of an area list, a tree or a TLB at most.</param>
internal sealed class WorldView(World world, TextWriter output, int linesMax)
{
    private const int NameWidth = 24;

    private int _left;
    private long _leftOut;

    /// <summary>Shows what each core does.</summary>
    public void Cores()
    {
        output.WriteLine("Cores");
        CoreModel[] shown = [.. world.Cores.Where(core => core.State != CoreState.Idle || core.Loaded != SpaceId.None)];
        Begin();
        foreach (CoreModel core in shown)
        {
            string thread = core.Thread is { } running ? $" {Name(running.Name)}" : "";
            string space = core.Loaded == SpaceId.None ? "" : $"; {Name(world.Spaces[core.Loaded.Value].Name)} is loaded";
            Row($"  core {core.Core}: {StateOf(core)}{thread}{space}");
        }

        End();
        int idle = world.Cores.Count - shown.Length;
        if (idle > 0)
        {
            output.WriteLine($"  {Quantities.Of(idle, "core")} {(idle == 1 ? "has" : "have")} nothing to do and no space loaded");
        }
    }

    /// <summary>Shows a process: its areas and its page table as a tree.</summary>
    public void Space(AddressSpace space)
    {
        output.WriteLine();
        output.WriteLine($"Process {Name(space.Name)}");
        if (space.Memory is not { } memory)
        {
            output.WriteLine("  it has no memory: the fork that makes it has not come");
            return;
        }

        if (space.AtExit is { } last)
        {
            output.WriteLine(
                $"  it has ended, with {Quantities.Of(last.Areas.Count, "area")}, {Quantities.Of(last.Resident.Mapped, "page")} mapped, "
                    + $"{Quantities.Of(last.TablePages, "table page")}");
            Areas(last.Areas);
            return;
        }

        output.WriteLine($"  {Quantities.Of(memory.AreaCount, "area")}, {Quantities.Of(memory.MappedPages, "page")} mapped");
        Areas(memory.Areas);
        output.WriteLine($"  page table: {space.Table.Format.Name}, {Quantities.Of(space.Table.TablePages, "table page")}");
        Begin();
        Tree(space.Table, space.Table.Root, space.Table.Format.Levels - 1, 0, 2);
        End();
    }

    private void Areas(IEnumerable<AreaInfo> areas)
    {
        Begin();
        foreach (AreaInfo area in areas)
        {
            ulong end = area.Range.Last.Value + 1;
            ulong pages = (end - area.Range.Start.Value) >> PageSizes.BaseShift;
            string unit = pages == 1 ? "page " : "pages";
            string source = area.Source.Length > 0 ? area.Source : "[anon]";
            Row($"    {area.Range.Start}-0x{end:x} {pages,8} {unit} {RightsOf(area.Flags)} {Name(source)}");
        }

        End();
    }

    /// <summary>Shows what a core's TLBs and paging-structure caches hold.</summary>
    public void Mmu(CoreModel core)
    {
        output.WriteLine();
        output.WriteLine($"TLBs of core {core.Core}");
        foreach (IGrouping<string, CachedTranslation> array in core.Mmu.Translations.GroupBy(item => item.Array))
        {
            output.WriteLine($"  {array.Key}: {Quantities.Of(array.Count(), "entry", "entries")}");
            Begin();
            foreach (CachedTranslation item in array)
            {
                string tag = item.Entry.Tag.Value == TlbEntry.GlobalTag ? "every tag" : $"tag {item.Entry.Tag.Value}";
                Row($"    {item.Entry.Page} -> {item.Frame} {SizeOf(item.Entry.Size)} {RightsOf(item.Flags)} {tag}");
            }

            End();
        }

        foreach (IGrouping<string, CachedTable> cache in core.Mmu.Tables.GroupBy(item => item.Cache))
        {
            output.WriteLine($"  {cache.Key} cache: {Quantities.Of(cache.Count(), "entry", "entries")}");
            Begin();
            foreach (CachedTable item in cache)
            {
                Row($"    {item.Start} -> table page {item.TablePage}, tag {item.Tag.Value}");
            }

            End();
        }
    }

    /// <summary>Shows how an address is walked, level by level, and which cores hold a translation of its page.</summary>
    public void Walk(AddressSpace space, VirtAddr address)
    {
        PageTable table = space.Table;
        PageTableFormat format = table.Format;
        output.WriteLine();
        output.WriteLine($"Walk of {address} in {Name(space.Name)}");
        if (!format.IsCanonical(address))
        {
            output.WriteLine($"  {format.Name} translates no such address: it faults before any walk");
            return;
        }

        int page = table.Root;
        for (int level = format.Levels - 1; level >= 0; level--)
        {
            int index = (int)(address.Value >> PageTableFormat.LevelShift(level)) & ((1 << format.BitsPerLevel) - 1);
            ulong entry = table.ReadEntryNow(page, index);
            string where = $"  level {level}: entry 0x{index:x3} of table page {page} ({table.TableAddress(page) + (ulong)(8 * index)})";
            if (entry == 0)
            {
                output.WriteLine($"{where}: empty, a fault");
                break;
            }

            if (format.IsLeaf(entry, level))
            {
                string held = format.IsPresent(entry) ? "" : ", held: a fault";
                output.WriteLine($"{where}:");
                output.WriteLine(
                    $"    {SizeOf(PageTableFormat.SizeOf(level))} at {format.LeafFrame(entry, level)} "
                        + $"{RightsOf(format.LeafFlags(entry, level))}{held}");
                break;
            }

            page = format.ChildTable(entry);
            output.WriteLine($"{where}:");
            output.WriteLine($"    table page {page}");
        }

        Holders(address);
    }

    /// <summary>Which cores hold a translation of a page; the same page of other processes has other tags.</summary>
    private void Holders(VirtAddr address)
    {
        output.WriteLine("  TLBs that hold a translation of the page:");
        Begin();
        bool hasAny = false;
        foreach (CoreModel core in world.Cores)
        {
            foreach (CachedTranslation item in core.Mmu.Translations)
            {
                if (address.Value - item.Entry.Page.Value < item.Entry.Size.Bytes())
                {
                    hasAny = true;
                    Row($"    core {core.Core} {item.Array}: {item.Frame} {RightsOf(item.Flags)} tag {item.Entry.Tag.Value}");
                }
            }
        }

        End();
        if (!hasAny)
        {
            output.WriteLine("    none");
        }
    }

    /// <summary>Entries of a table page, each below its own; leaves that go on where the last one ends are one line.</summary>
    private void Tree(PageTable table, int page, int level, ulong start, int depth)
    {
        PageTableFormat format = table.Format;
        string indent = new(' ', 2 * depth);
        ulong span = 1UL << PageTableFormat.LevelShift(level);
        for (int index = 0; index < 1 << format.BitsPerLevel; index++)
        {
            ulong entry = table.ReadEntryNow(page, index);
            if (entry == 0)
            {
                continue;
            }

            VirtAddr address = Extended(format, start + ((ulong)index * span));
            if (!format.IsLeaf(entry, level))
            {
                int child = format.ChildTable(entry);
                Row($"{indent}{address} level {level - 1}, {Quantities.Of(table.EntriesUsed(child), "entry", "entries")}");
                Tree(table, child, level - 1, address.Value, depth + 1);
                continue;
            }

            PhysAddr frame = format.LeafFrame(entry, level);
            PageFlags flags = format.LeafFlags(entry, level);
            int count = 1;
            while (index + 1 < 1 << format.BitsPerLevel && Continues(table.ReadEntryNow(page, index + 1)))
            {
                index++;
                count++;
            }

            string size = $"{count} x {SizeOf(PageTableFormat.SizeOf(level))}";
            Row($"{indent}{address} -> {frame} {size} {RightsOf(flags)}");

            bool Continues(ulong next) => next != 0 && format.IsLeaf(next, level) && format.LeafFlags(next, level) == flags
                && format.LeafFrame(next, level).Value == frame.Value + ((ulong)count * span);
        }
    }

    /// <summary>The bits above those that a table translates repeat the highest one where the format says so.</summary>
    private static VirtAddr Extended(PageTableFormat format, ulong address)
    {
        VirtAddr low = new(address);
        return format.IsCanonical(low) ? low : new VirtAddr(address | (ulong.MaxValue << format.VirtualBits));
    }

    private static string StateOf(CoreModel core) => core.State switch
    {
        CoreState.Running => "runs",
        CoreState.Trapped => "is in the kernel for",
        CoreState.Loading => "loads the space of",
        CoreState.Awaiting when core.Spins => "spins",
        CoreState.Awaiting => "waits for the order of the trace",
        _ => "idles",
    };

    private static string SizeOf(PageSize size) => Quantities.Bytes(size.Bytes()).Replace(".00", "", StringComparison.Ordinal);

    /// <summary>Rights as letters, then whether a walk and a store have used the entry.</summary>
    private static string RightsOf(PageFlags flags)
    {
        string rights = Letter(PageFlags.Read, "r") + Letter(PageFlags.Write, "w") + Letter(PageFlags.Execute, "x");
        return rights + Letter(PageFlags.Accessed, "a") + Letter(PageFlags.Dirty, "d");

        string Letter(PageFlags flag, string letter) => (flags & flag) != 0 ? letter : "-";
    }

    /// <summary>Rights as letters, then whether it is shared or private, as /proc/PID/maps has them.</summary>
    private static string RightsOf(AreaFlags flags)
    {
        string rights = Letter(AreaFlags.Read, "r") + Letter(AreaFlags.Write, "w") + Letter(AreaFlags.Execute, "x");
        return rights + ((flags & AreaFlags.Shared) != 0 ? "s" : "p");

        string Letter(AreaFlags flag, string letter) => (flags & flag) != 0 ? letter : "-";
    }

    private static string Name(string name)
    {
        string plain = PlainWriter.Line(name);
        return plain.Length <= NameWidth ? plain : $"..{plain[^(NameWidth - 2)..]}";
    }

    private void Begin()
    {
        _left = linesMax;
        _leftOut = 0;
    }

    private void Row(string line)
    {
        if (_left > 0)
        {
            _left--;
            output.WriteLine(line);
        }
        else
        {
            _leftOut++;
        }
    }

    private void End()
    {
        if (_leftOut > 0)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"    and {_leftOut:N0} lines more; --lines shows them"));
        }
    }
}
