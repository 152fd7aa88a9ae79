using VmSim.Core.Addresses;

namespace VmSim.Core.Shootdown;

/// <summary>
/// Which cores a page may be known to: a set of cores for each page of an address space, and sizes of pages may be mixed. For protocols
/// whose cores have page tables of their own.
/// </summary>
/// <param name="cores">Cores of the machine.</param>
public sealed class PageSets(int cores)
{
    private static readonly PageSize[] Sizes = [PageSize.Size4K, PageSize.Size2M, PageSize.Size1G];

    /// <summary>Of each size, the sets by number of the page in pages of that size.</summary>
    private readonly Dictionary<ulong, CoreMask>[] _sets = [[], [], []];

    /// <summary>Of each core, the pages whose set it is in.</summary>
    private readonly long[] _pages = new long[cores];

    /// <summary>Puts a core in the set of the page that maps an address.</summary>
    /// <param name="address">Any address of the page.</param>
    /// <param name="size">The page's size.</param>
    /// <param name="core">The core.</param>
    public void Add(VirtAddr address, PageSize size, CoreId core)
    {
        Dictionary<ulong, CoreMask> sets = _sets[Array.IndexOf(Sizes, size)];
        ulong number = address.Value >> (int)size;
        if (!sets.TryGetValue(number, out CoreMask? set))
        {
            sets.Add(number, set = new CoreMask(cores));
        }

        _pages[core.Value] += set.Contains(core.Value) ? 0 : 1;
        set.Add(core.Value);
    }

    /// <summary>Whether any core but one is in a set.</summary>
    /// <param name="core">The one.</param>
    public bool HasOthers(CoreId core)
    {
        for (int other = 0; other < cores; other++)
        {
            if (other != core.Value && _pages[other] > 0)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Adds up the sets of a range, and takes the cores out of them whose tables have the page no more. What it answers does not depend on
    /// the order of pages.
    /// </summary>
    /// <param name="range">The range; a page that it has a part of counts.</param>
    /// <param name="context">Says which tables have a page: table <paramref name="firstTable"/> + n is core n's.</param>
    /// <param name="firstTable">The table of core 0.</param>
    /// <param name="found">Gets, for each core, the pages of the range whose sets it was in.</param>
    /// <param name="gone">Gets, for each core, those of them that its table has no more.</param>
    public void Take(DeadRange range, ISpaceShootdownContext context, int firstTable, Span<int> found, Span<int> gone)
    {
        ArgumentNullException.ThrowIfNull(context);
        found.Clear();
        gone.Clear();
        for (int i = 0; range.Bytes > 0 && i < Sizes.Length; i++)
        {
            Dictionary<ulong, CoreMask> sets = _sets[i];
            int shift = (int)Sizes[i];
            ulong first = range.Start.Value >> shift;
            ulong last = (range.End.Value - 1) >> shift;
            if (last - first < (ulong)sets.Count)
            {
                for (ulong number = first; number <= last; number++)
                {
                    if (sets.TryGetValue(number, out CoreMask? set))
                    {
                        Take(sets, number, set, new VirtAddr(number << shift), context, firstTable, found, gone);
                    }
                }

                continue;
            }

            foreach ((ulong number, CoreMask set) in sets)
            {
                if (number >= first && number <= last)
                {
                    // A dictionary may lose what a walk over it has come to.
                    Take(sets, number, set, new VirtAddr(number << shift), context, firstTable, found, gone);
                }
            }
        }
    }

    private void Take(
        Dictionary<ulong, CoreMask> sets, ulong number, CoreMask set, VirtAddr page, ISpaceShootdownContext context, int firstTable,
        Span<int> found, Span<int> gone)
    {
        for (int core = set.Next(0); core >= 0; core = set.Next(core + 1))
        {
            found[core]++;
            if (!context.HoldsPage(firstTable + core, page))
            {
                set.Remove(core);
                _pages[core]--;
                gone[core]++;
            }
        }

        if (set.Count == 0)
        {
            sets.Remove(number);
        }
    }
}
