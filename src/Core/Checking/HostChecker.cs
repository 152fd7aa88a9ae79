using VmSim.Core.Addresses;
using VmSim.Core.Kernel;
using VmSim.Core.Paging;

namespace VmSim.Core.Checking;

/// <summary>
/// Watches the host of one virtual machine. It keeps a copy of the host's table in both directions, read from the table after each change.
/// Memory that the host gives back must be out of every TLB, and what a TLB leads to must be memory that the guest has or had until then.
/// </summary>
internal sealed class HostChecker : IHostWatch
{
    private readonly TranslationChecker _checker;
    private readonly GuestMachine _guest;
    private readonly SpaceId _space;
    private readonly string _name;
    private readonly ICheckedCore[] _cores;

    /// <summary>How far a 4 KiB page's number is shifted right for the number of the host's page.</summary>
    private readonly int _bits;

    /// <summary>The guest's page of each page of the host, until its memory is given back.</summary>
    private readonly Dictionary<ulong, ulong> _guestOf = [];

    /// <summary>The latest page of the host behind each page of the guest.</summary>
    private readonly Dictionary<ulong, ulong> _hostOf = [];

    /// <summary>Watches a virtual machine.</summary>
    /// <param name="checker">Who watches the run.</param>
    /// <param name="guest">The virtual machine.</param>
    /// <param name="space">The space under whose name broken rules are reported.</param>
    /// <param name="name">Its name.</param>
    /// <param name="cores">The cores that can run the guest.</param>
    public HostChecker(TranslationChecker checker, GuestMachine guest, SpaceId space, string name, ICheckedCore[] cores)
    {
        _checker = checker;
        _guest = guest;
        _space = space;
        _name = name;
        _cores = cores;
        _bits = (int)guest.PageSize - PageSizes.BaseShift;
        foreach (MappedLeaf leaf in guest.Table.Leaves(default, 1UL << guest.Table.Format.RangeBits))
        {
            Given(leaf.Address.PageNumber >> _bits);
        }
    }

    /// <summary>
    /// Grows whenever a page is taken away and whenever memory is given back: what was verified before must be verified again.
    /// </summary>
    public long Version { get; private set; }

    /// <inheritdoc/>
    public void Given(ulong page)
    {
        EntryInfo leaf = _guest.Table.Query(VirtAddr.OfPage(page << _bits));
        ulong host = leaf.Frame.PageNumber >> _bits;
        if (!leaf.Present || !_guestOf.TryAdd(host, page))
        {
            Report(
                CheckRule.EarlyRelease, 0, $"the host gives page {page} of the guest memory 0x{host << _bits:x}, which another page has");
        }

        _hostOf[page] = host;
    }

    /// <inheritdoc/>
    public void Taken(ulong page) => Version++;

    /// <inheritdoc/>
    public void Freed(IReadOnlyList<ulong> frames, long now)
    {
        HashSet<ulong> pages = [.. frames.Select(frame => frame >> _bits)];
        foreach (ICheckedCore core in _cores)
        {
            if (core.Mmu.LeadsInto(pages, _bits, out ulong frame))
            {
                Report(
                    CheckRule.EarlyRelease,
                    now,
                    $"the host's frame 0x{frame:x} is free for anyone while a TLB of core {core.Core} still leads to it");
                break;
            }
        }

        foreach (ulong page in pages)
        {
            _guestOf.Remove(page, out ulong guest);
            if (_hostOf.TryGetValue(guest, out ulong latest) && latest == page)
            {
                _hostOf.Remove(guest);
            }
        }

        Version++;
    }

    /// <summary>The guest's frame that lies in a frame of the host.</summary>
    /// <param name="time">When a core used it, in cycles.</param>
    /// <param name="core">The core.</param>
    /// <param name="page">The virtual page through which it did.</param>
    /// <param name="frame">Number of the host's 4 KiB frame; of the guest's afterwards.</param>
    /// <returns>False if the host has given it back, or never had it: a broken rule, which is reported.</returns>
    public bool ToGuest(long time, CoreId core, ulong page, ref ulong frame)
    {
        if (!_guestOf.TryGetValue(frame >> _bits, out ulong guest))
        {
            Report(
                CheckRule.UnknownTranslation,
                time,
                $"core {core} uses page {VirtAddr.OfPage(page)} -> the host's frame 0x{frame:x}, which the guest does not have");
            return false;
        }

        frame = (guest << _bits) | (frame & ((1UL << _bits) - 1));
        return true;
    }

    /// <summary>The host's frame behind a guest's, which a TLB may still have; a number that no frame has if there is none.</summary>
    public ulong ToHost(ulong frame) => _hostOf.TryGetValue(frame >> _bits, out ulong host)
        ? (host << _bits) | (frame & ((1UL << _bits) - 1))
        : ulong.MaxValue >> PageSizes.BaseShift;

    private void Report(CheckRule rule, long time, string what) =>
        _checker.Report(new Violation(rule, time, _space, $"{_name}: {what}", new TraceLines().Add(time, what).Lines));
}
