using VmSim.Core.Addresses;

namespace VmSim.Core.Paging;

/// <summary>
/// The page tables of one address space that cores can walk. Table 0 is the space's own; the others are copies, whose stores become visible
/// at the same times. Copies hold every leaf, in the same table pages; or those that were filled in, in table pages of their own, and lose
/// a leaf when it goes or changes in table 0.
/// </summary>
public sealed partial class PageTableSet : IDisposable
{
    private readonly PageTable[] _tables;
    private readonly bool _onDemand;

    /// <summary>Changes of table 0 that copies have and other nodes have not; null while nobody wants them.</summary>
    private MemoryStream? _kept;

    /// <summary>Makes the set of a space.</summary>
    /// <param name="tables">Empty tables of one format, at least one.</param>
    /// <param name="onDemand">Whether copies hold only the leaves that <see cref="Fill"/> put in, in table pages of their own.</param>
    public PageTableSet(IReadOnlyList<PageTable> tables, bool onDemand)
    {
        ArgumentNullException.ThrowIfNull(tables);
        if (tables.Count == 0)
        {
            throw new ArgumentException("a space has at least one page table", nameof(tables));
        }

        _tables = [.. tables];
        _onDemand = onDemand;
        _tables[0].LogsChanges = HasCopies;
    }

    /// <summary>How many tables there are.</summary>
    public int Count => _tables.Length;

    /// <summary>
    /// Whether copies hold only the leaves that <see cref="Fill"/> put in: then their table pages are their own, and stay to the end.
    /// </summary>
    public bool FillsOnDemand => _onDemand;

    /// <summary>Whether there is more than the space's own table.</summary>
    public bool HasCopies => _tables.Length > 1;

    /// <summary>The space's own table.</summary>
    public PageTable Own => _tables[0];

    /// <summary>One of the tables: 0 is the space's own, others are copies.</summary>
    /// <param name="table">0 to <see cref="Count"/> - 1.</param>
    public PageTable this[int table] => _tables[table];

    /// <summary>Has changes of every table logged for <see cref="TakeChanges"/> from now on.</summary>
    public void LogChanges()
    {
        _kept ??= HasCopies ? new MemoryStream() : null;
        foreach (PageTable table in _tables)
        {
            table.LogsChanges = true;
        }
    }

    /// <summary>Nobody wants changes any more, but for those that the copies have still to follow.</summary>
    public void ForgetChanges()
    {
        _kept = null;
        for (int table = 0; table < _tables.Length; table++)
        {
            _tables[table].LogsChanges = table == 0 && HasCopies;
        }
    }

    /// <summary>Makes in every copy what has changed in the space's own table.</summary>
    /// <returns>Entries written in copies.</returns>
    public long Update()
    {
        if (!HasCopies)
        {
            return 0;
        }

        byte[] changes = Own.TakeChanges();
        if (changes.Length == 0)
        {
            return 0;
        }

        _kept?.Write(changes);
        if (_onDemand)
        {
            return Follow(changes);
        }

        long written = 0;
        for (int table = 1; table < _tables.Length; table++)
        {
            written += _tables[table].ApplyChanges(changes);
        }

        return written;
    }

    /// <summary>Folds every table; see <see cref="PageTable.Fold"/>.</summary>
    public void Fold(Cycles now)
    {
        foreach (PageTable table in _tables)
        {
            table.Fold(now);
        }
    }

    /// <summary>
    /// Hands over the changes of a table since the last call, for <see cref="PageTable.ApplyChanges"/> of the same table on another
    /// node.
    /// </summary>
    /// <param name="table">A table.</param>
    public byte[] TakeChanges(int table)
    {
        Update();
        if (table > 0 || _kept is not { } kept)
        {
            return _tables[table].TakeChanges();
        }

        byte[] taken = kept.ToArray();
        kept.SetLength(0);
        return taken;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (PageTable table in _tables)
        {
            table.Dispose();
        }

        _kept?.Dispose();
    }
}
