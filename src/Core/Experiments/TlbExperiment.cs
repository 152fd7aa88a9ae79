using VmSim.Core.Addresses;
using VmSim.Core.Mmu;
using VmSim.Core.Paging;
using VmSim.Core.Statistics;

namespace VmSim.Core.Experiments;

/// <summary>
/// Runs accesses through the MMUs of some cores that share one address space. Pages start unmapped. The first walk to a page counts as a
/// fault and maps it, and goes on as if the page had been mapped before.
/// </summary>
public sealed class TlbExperiment : IDisposable
{
    private const ulong HashStart = 0xCBF29CE484222325;
    private const ulong HashPrime = 0x100000001B3;
    private const int BlockLength = 1024;

    /// <summary>Accesses between two looks at cancellation and two reports of progress.</summary>
    private const long ReportEvery = 1 << 20;

    private const PageFlags AllRights =
        PageFlags.Read | PageFlags.Write | PageFlags.Execute | PageFlags.User | PageFlags.Accessed | PageFlags.Dirty;

    // frames are the pages' own numbers, without the bits that physical addresses do not have
    private const ulong FrameBits = (1UL << 47) - 1;

    private static readonly Asid OnlySpace = new(1);
    private readonly TlbConfig _config;
    private readonly CoreMmu[] _cores;
    private readonly PageTable _table = new(PageTableFormats.X64);

    /// <summary>[L1 4K, L1 2M, L2 4K, L2 2M] hits.</summary>
    private readonly long[] _hits = new long[4];

    /// <summary>Walks by the paging-structure cache that shortened them: PDE, PDPTE, PML4E, none.</summary>
    private readonly long[] _walks = new long[4];

    private ulong _checksum = HashStart;
    private ulong _outcomes = HashStart;
    private long _accesses;
    private long _references;
    private long _faults;
    private long _dropped;
    private long _fetches;
    private long _fetchMisses;
    private long _fetchWalks;

    private TlbExperiment(TlbConfig config)
    {
        _config = config;
        MmuSpec spec = config.ToMmuSpec();
        _cores = new CoreMmu[config.Cores];
        for (int core = 0; core < _cores.Length; core++)
        {
            _cores[core] = new CoreMmu(spec, SeededRandom.Derive(config.Seed, core, 0));
            _cores[core].Load(OnlySpace, _table);
        }
    }

    /// <summary>Runs one configuration to the end of its accesses.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="source">Its accesses, all on cores below the configuration's number.</param>
    /// <param name="progress">Told now and then how many accesses were made since the last time; null for nobody.</param>
    /// <param name="cancellation">Ends the experiment early.</param>
    /// <exception cref="OperationCanceledException">It was ended early.</exception>
    public static TlbResult Run(
        TlbConfig config, AccessSource source, Action<long>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(source);
        using TlbExperiment experiment = new(config);
        experiment.RunAll(source, progress, cancellation);
        return experiment.Result();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (CoreMmu core in _cores)
        {
            core.Dispose();
        }

        _table.Dispose();
    }

    private void RunAll(AccessSource source, Action<long>? progress, CancellationToken cancellation)
    {
        SourceAccess[] block = new SourceAccess[BlockLength];
        long most = _config.Accesses == 0 && _config.Trace.Length > 0 ? long.MaxValue : _config.Accesses;
        long reported = 0;
        while (_accesses < most)
        {
            int count = source.Read(block.AsSpan(0, (int)Math.Min(block.Length, most - _accesses)));
            if (count == 0)
            {
                break;
            }

            RunBlock(block.AsSpan(0, count));
            if (_accesses - reported >= ReportEvery)
            {
                cancellation.ThrowIfCancellationRequested();
                progress?.Invoke(_accesses - reported);
                reported = _accesses;
            }
        }

        progress?.Invoke(_accesses - reported);
    }

    private void RunBlock(ReadOnlySpan<SourceAccess> block)
    {
        bool interrupts = _config.InvalidateEvery > 0 || _config.FlushEvery > 0;
        bool hasHuge = _config.HugePercent > 0;
        CoreMmu[] cores = _cores;
        ulong checksum = _checksum;
        ulong outcomes = _outcomes;
        foreach (ref readonly SourceAccess access in block)
        {
            ulong address = access.Address;
            _fetches += access.Kind == AccessKind.Fetch ? 1 : 0;
            checksum = (checksum ^ address) * HashPrime;
            CoreMmu core = cores[access.Core];
            ulong code;
            if (core.TryHit(access.Kind, address))
            {
                int size = hasHuge && IsHuge(address) ? 1 : 0;
                _hits[size]++;
                code = (ulong)(1 + size);
            }
            else
            {
                code = Miss(core, access.Kind, address);
            }

            outcomes = (outcomes ^ code) * HashPrime;
            _accesses++;
            if (interrupts)
            {
                Invalidate(access.Core, address);
            }
        }

        _checksum = checksum;
        _outcomes = outcomes;
    }

    /// <summary>An access that the first level did not answer.</summary>
    /// <returns>The code of its outcome: 3 or 4 for a second-level hit, 5 to 8 for a walk, 8 more if it faulted.</returns>
    private ulong Miss(CoreMmu core, AccessKind kind, ulong address)
    {
        bool faulted = MapIfNew(address);
        int fetches = kind == AccessKind.Fetch ? 1 : 0;
        _fetchMisses += fetches;
        TranslationResult result = core.TranslateMissed(kind, address, time: 0);
        if (result.Outcome == TranslationOutcome.Walked)
        {
            _walks[result.WalkStart]++;
            _fetchWalks += fetches;
            _references += result.References;
            _faults += faulted ? 1 : 0;
            return (ulong)(5 + result.WalkStart + (faulted ? 8 : 0));
        }

        if (result.Outcome is not (TranslationOutcome.StlbHit or TranslationOutcome.L1Hit) || faulted)
        {
            throw new InvalidOperationException($"a mapped page gave {result.Outcome} at 0x{address:x}");
        }

        int size = result.Size == PageSize.Size4K ? 0 : 1;
        int place = (result.Outcome == TranslationOutcome.StlbHit ? 2 : 0) + size;
        _fetchMisses -= result.Outcome == TranslationOutcome.L1Hit ? fetches : 0;
        _hits[place]++;
        return (ulong)(1 + place);
    }

    /// <summary>Maps an address's page if it is not mapped.</summary>
    /// <returns>Whether it was not.</returns>
    private bool MapIfNew(ulong address)
    {
        PageSize size = _config.HugePercent > 0 && IsHuge(address) ? PageSize.Size2M : PageSize.Size4K;
        ulong start = address & ~(size.Bytes() - 1);
        return _table.Map(new VirtAddr(start), new PhysAddr(start & FrameBits), size, AllRights);
    }

    private bool IsHuge(ulong address) =>
        SeededRandom.Mix((address >> (int)PageSize.Size2M) + _config.HugeSeed) % 100 < (ulong)_config.HugePercent;

    private void Invalidate(int core, ulong address)
    {
        if (_config.InvalidateEvery > 0 && _accesses % _config.InvalidateEvery == 0)
        {
            foreach (CoreMmu each in _cores)
            {
                _dropped += each.InvalidatePage(OnlySpace, address);
            }
        }

        if (_config.FlushEvery > 0 && _accesses % _config.FlushEvery == 0)
        {
            _dropped += _cores[core].InvalidateAll(globals: true);
        }
    }

    private TlbResult Result()
    {
        long walks = _walks.Sum();
        long missed = _accesses - _hits[0] - _hits[1];
        return new TlbResult
        {
            Accesses = _accesses,
            Fetches = _fetches,
            FetchFirstMisses = _fetchMisses,
            FetchWalks = _fetchWalks,
            AddressChecksum = _checksum,
            FirstHits4K = _hits[0],
            FirstHits2M = _hits[1],
            SecondHits4K = _hits[2],
            SecondHits2M = _hits[3],
            PdeHits = _walks[0],
            PdpteHits = _walks[1],
            Pml4eHits = _walks[2],
            NoPscHits = _walks[3],
            References = _references,
            Faults = _faults,
            TablePages = [_table.TablePagesAt(3), _table.TablePagesAt(2), _table.TablePagesAt(1), _table.TablePagesAt(0)],
            EntriesDropped = _dropped,
            Cycles = (_accesses * _config.FirstCycles) + (missed * _config.SecondCycles) + (walks * _config.PscCycles)
                + (_references * _config.ReferenceCycles) + (_faults * _config.FaultCycles),
            OutcomeHash = _outcomes,
        };
    }
}
