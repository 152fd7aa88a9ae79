using VmSim.Core.Addresses;

namespace VmSim.Core.Memory;

/// <summary>
/// Which core holds a translation whose entry hardware has not marked as accessed: the one into whose TLB the kernel put it at a fault. It
/// stands for what a kernel keeps in spare bits of each entry. Kept only for protocols that ask for primed fills.
/// </summary>
/// <remarks>
/// What holds: of a leaf whose accessed flag is clear, no core has a translation but the holder kept here, and none has if none is kept.
/// So a flag that is cleared while cores may hold the translation makes everybody a holder, and a leaf that is mapped anew may keep an
/// old holder, who then is told in vain. Nothing is taken away when an operation is undone: more holders are never wrong.
/// </remarks>
/// <param name="cores">Cores of the machine.</param>
internal sealed class PageHolders(int cores)
{
    private const int Everybody = -1;

    /// <summary>Holders by number of the leaf's first 4 KiB page.</summary>
    private readonly Dictionary<ulong, Holder> _holders = [];

    /// <summary>What has died and is not invalidated yet.</summary>
    private readonly List<TranslationHolders> _open = [];

    /// <summary>When the last flush of the whole space on every core began that is over; -1 before.</summary>
    private long _flushedAt = -1;

    /// <summary>Cores of the machine.</summary>
    public int Cores => cores;

    /// <summary>A core is to hold a leaf, when the answer to its fault reaches it.</summary>
    /// <param name="page">Number of the leaf's first page.</param>
    /// <param name="core">The core.</param>
    /// <param name="operation">Number of the fault.</param>
    /// <param name="now">When the fault is handled.</param>
    /// <param name="isNew">Whether the fault has mapped the leaf, so that nobody holds it yet.</param>
    /// <returns>
    /// False if another core may hold it, or if an earlier answer is on its way, whose core would take what it finds: then nobody is given
    /// the leaf, and a walk marks it.
    /// </returns>
    public bool TryTake(ulong page, CoreId core, long operation, Cycles now, bool isNew)
    {
        if (_holders.TryGetValue(page, out Holder holder))
        {
            if (holder.Since > now.Value)
            {
                _holders[page] = isNew && holder.Core != core.Value ? holder with { Core = Everybody } : holder;
                return false;
            }

            if (!isNew && !IsFlushed(holder) && holder.Core != core.Value)
            {
                return false;
            }
        }

        _holders[page] = new Holder(core.Value, long.MaxValue, operation);
        return true;
    }

    /// <summary>The answer to a fault leaves: the core will have put the leaf into its TLB at a time, and not later.</summary>
    public void Filled(ulong page, long operation, Cycles at)
    {
        if (_holders.TryGetValue(page, out Holder holder) && holder.Operation == operation)
        {
            _holders[page] = holder with { Since = at.Value };
        }
    }

    /// <summary>The accessed flag of a leaf is cleared, and any core may hold it.</summary>
    /// <param name="page">Number of its first page.</param>
    /// <param name="visibleAt">When walkers see the flag clear.</param>
    public void Clear(ulong page, Cycles visibleAt)
    {
        bool isAwaited = _holders.TryGetValue(page, out Holder holder) && holder.Since > visibleAt.Value;
        _holders[page] = isAwaited ? holder with { Core = Everybody } : new Holder(Everybody, visibleAt.Value, 0);
    }

    /// <summary>
    /// A leaf is replaced by smaller ones: who held it holds what it covered. An answer on its way gives nobody a smaller one, unless it is
    /// for one that was there before.
    /// </summary>
    /// <param name="page">Number of its first page.</param>
    /// <param name="pages">Pages of 4 KiB that it covered.</param>
    /// <param name="each">Pages of 4 KiB that a smaller one covers.</param>
    /// <param name="visibleAt">When walkers see the smaller ones.</param>
    public void Split(ulong page, ulong pages, ulong each, Cycles visibleAt)
    {
        if (_holders.TryGetValue(page, out Holder holder))
        {
            for (ulong small = page + each; small < page + pages; small += each)
            {
                bool isAwaited = _holders.TryGetValue(small, out Holder old) && old.Since > visibleAt.Value;
                _holders[small] = isAwaited
                    ? old with { Core = Everybody }
                    : new Holder(holder.Core, Math.Min(holder.Since, visibleAt.Value), 0);
            }
        }
    }

    /// <summary>A leaf whose accessed flag is clear has died.</summary>
    /// <param name="page">Number of its first page.</param>
    /// <param name="dead">Takes who may hold it.</param>
    public void AddTo(TranslationHolders dead, ulong page)
    {
        if (!_holders.TryGetValue(page, out Holder holder) || IsFlushed(holder))
        {
            return;
        }

        if (holder.Core == Everybody)
        {
            dead.AddEverybody();
        }
        else
        {
            dead.Add(holder.Core);
        }
    }

    /// <summary>What died in an operation is to be invalidated; until that is over, walks may have marked it.</summary>
    public void Open(TranslationHolders dead) => _open.Add(dead);

    /// <summary>What died is invalidated.</summary>
    public void End(TranslationHolders dead) => _open.Remove(dead.Own ?? dead);

    /// <summary>
    /// What has died and is not invalidated yet where a call may have found entries gone, as one: elsewhere it has answered for nothing.
    /// </summary>
    /// <param name="own">What of it ends with it; null for nothing.</param>
    /// <param name="start">The first address that the call concerns.</param>
    /// <param name="end">The address after the last.</param>
    public TranslationHolders OpenIn(TranslationHolders? own, VirtAddr start, VirtAddr end)
    {
        TranslationHolders all = new(cores) { Own = own };
        foreach (TranslationHolders dead in _open)
        {
            if (dead == own || dead.Range.Overlaps(start, end))
            {
                all.Join(dead);
            }
        }

        return all;
    }

    /// <summary>A walk has marked the entry of an address, which may have died meanwhile.</summary>
    public void Accessed(VirtAddr address)
    {
        foreach (TranslationHolders dead in _open)
        {
            if (dead.Range.Contains(address))
            {
                dead.AddEverybody();
            }
        }
    }

    /// <summary>
    /// A flush of the whole space is over: every core has dropped all that it held when it began, or does before it uses it.
    /// </summary>
    /// <param name="begunAt">When it began.</param>
    public void Flushed(Cycles begunAt) => _flushedAt = Math.Max(_flushedAt, begunAt.Value);

    private bool IsFlushed(in Holder holder) => holder.Since <= _flushedAt;

    /// <summary>A core, or everybody; when it has taken the leaf at the latest, and the fault that gave it.</summary>
    private readonly record struct Holder(int Core, long Since, long Operation);
}
