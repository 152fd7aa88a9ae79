using System.Numerics;
using VmSim.Core.Addresses;
using VmSim.Core.Programs;
using VmSim.Core.Settings;
using VmSim.Core.Statistics;

namespace VmSim.Core.Workloads.Synthetic.Behaviours;

/// <summary>
/// A database whose buffer pool lies in virtual memory: all data has addresses, and as much of it is in memory as the pool holds. Each read
/// looks up one page through an inner node. A page that is not there is read from the device into its place, and once for each batch of
/// such reads the thread that comes by gives the oldest pages back to the kernel, so that every core has to be told.
/// </summary>
/// <remarks>
/// <para>
/// Sources: Leis and others, "Virtual-Memory Assisted Buffer Management", SIGMOD 2023, and its code, github.com/viktorleis/vmcache,
/// vmcache.cpp: anonymous memory, a pread into each missing page, MADV_DONTNEED page by page for batches of 64, by whichever thread finds
/// the pool full; its exmap frees a batch with one call. With <c>memory = file</c>, Crotty, Leis, Pavlo, "Are You Sure You Want to Use MMAP
/// in Your Database Management System?", CIDR 2022: a shared file mapping with MADV_RANDOM, whose pages the kernel reclaims; here the
/// thread that comes by has it do so with MADV_PAGEOUT.
/// </para>
/// <para>
/// Reads are uniform over the data, and inner nodes are chosen by Zipf's law. So the share of reads that miss is the share of the data that
/// does not fit. Threads miss at an even pace, one after the other, and pages come in in one scattered order that all follow, the oldest
/// going first: what is in memory when follows from a thread's own reads, and no stream depends on another. A thread that lags far behind
/// the others finds pages gone, and they find its pages not there: such reads fault, as they would in the database.
/// </para>
/// </remarks>
public sealed record BufferPool : SyntheticProgram
{
    private const string OfFile = "file";
    private const string OneByOne = "madvise";

    /// <summary>Reads of each thread.</summary>
    [Setting("Reads of each thread, each of one page of the data.", Min = 1, Max = 1e12)]
    public long Iterations { get; init; } = 2_000;

    /// <summary>Pages of the data.</summary>
    [Setting("Pages of the data, a multiple of batch; all of them have addresses.", Unit = SettingUnit.Pages, Min = 1, Max = 1_048_576)]
    public int DataPages { get; init; } = 65_536;

    /// <summary>Pages of the data that are in memory.</summary>
    [Setting("Pages of the data that the pool holds; as many as data-pages for a pool that never evicts.", Unit = SettingUnit.Pages,
        Min = 1, Max = 1_048_576)]
    public int PoolPages { get; init; } = 32_768;

    /// <summary>Pages of the inner nodes, which stay in memory.</summary>
    [Setting("Pages of inner nodes, one of which each read goes through; they stay in memory.", Unit = SettingUnit.Pages, Min = 1,
        Max = 1_048_576)]
    public int InnerPages { get; init; } = 64;

    /// <summary>Pages that go at a time.</summary>
    [Setting("Pages that are evicted at a time; vmcache takes 64, Linux reclaims 32.", Unit = SettingUnit.Pages, Min = 1, Max = 1024)]
    public int Batch { get; init; } = 64;

    /// <summary>What the pool is made of.</summary>
    [Setting("What the pool is made of: memory that the database fills (anonymous), or a file that the kernel reads (file).",
        Choices = "anonymous|file")]
    public string Memory { get; init; } = "anonymous";

    /// <summary>How a batch goes.</summary>
    [Setting("How a batch is evicted: by a call for each page (madvise), or one for all (process-madvise).",
        Choices = "madvise|process-madvise")]
    public string Eviction { get; init; } = OneByOne;

    /// <summary>
    /// Cycles that the thread sleeps for the device at each miss of anonymous memory. The default is that of kernel.device-read-cycles,
    /// which a file's misses take.
    /// </summary>
    [Setting("Sleep for the device at each miss of anonymous memory; a file's misses take kernel.device-read-cycles.",
        Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long Device { get; init; } = 230_000;

    /// <summary>
    /// Cycles to search the nodes of a read; calibrated so that one core makes about two million reads a second of a pool that holds all.
    /// </summary>
    [Setting("Computing for each read: searching the nodes.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long Compute { get; init; } = 1_000;

    /// <inheritdoc/>
    public override ProgramImage Build(ProgramContext context)
    {
        int threads = ThreadCount(context);
        Check(threads);
        bool isFile = Memory == OfFile;
        ulong inner = Regions.Start(0, 1, (ulong)InnerPages + (ulong)DataPages);
        Plan plan = new(this, threads, SeededRandom.Derive(context.Seed, context.Copy, threads), inner + ((ulong)InnerPages << 12));
        ThreadScript script = new();
        Words words = new(script.Call(ThreadScript.NoMapping), [.. Evictions(plan).Select(script.Call)]);
        return new ProgramImage
        {
            Name = context.Name,
            Files = isFile ? [new ProgramFile("/srv/database", (ulong)DataPages << 12)] : [],
            InitialMappings = [.. InitialCalls(plan, inner)],
            Threads = [.. Enumerable.Range(0, threads).Select(thread => script.Thread(
                $"{context.Name}/{thread}",
                () => Body(plan, words, inner, thread, SeededRandom.Derive(context.Seed, context.Copy, thread))))],
        };
    }

    private void Check(int threads)
    {
        int moving = threads + Batch;
        if (DataPages % Batch != 0)
        {
            throw new ArgumentException(
                $"data-pages: {DataPages} found; a multiple of batch ({Batch}) is needed, such as {((DataPages / Batch) + 1) * Batch}",
                nameof(threads));
        }

        if (PoolPages != DataPages && (PoolPages > DataPages - moving || PoolPages < 4 * moving))
        {
            throw new ArgumentException(
                $"pool-pages: {PoolPages} found; all data-pages ({DataPages}), or {4 * moving} to {DataPages - moving}, are allowed with "
                + $"{threads} threads and a batch of {Batch}",
                nameof(threads));
        }
    }

    /// <summary>What evicts: a call for each page in the order in which pages come in, or for each batch of that order.</summary>
    private IEnumerable<SystemCall> Evictions(Plan plan)
    {
        SystemCall call = new() { Kind = SystemCallKind.Advise, Advice = Memory == OfFile ? Advice.PageOut : Advice.DontNeed };
        int pages = Eviction == OneByOne ? 1 : Batch;
        for (int first = 0; first < DataPages; first += pages)
        {
            yield return OfPages(call, plan, first, pages);
        }
    }

    private IEnumerable<SystemCall> InitialCalls(Plan plan, ulong inner)
    {
        yield return ThreadScript.Mapping(inner, (ulong)InnerPages) with { Populate = true };
        SystemCall data = ThreadScript.Mapping(plan.Data, (ulong)DataPages);
        bool isFile = Memory == OfFile;
        yield return isFile
            ? data with { Source = MappingSource.File, FileId = 0, Shared = true, Protection = Protection.Read }
            : data;

        // Linux reads around a miss otherwise (filemap_fault), and maps 2 MiB at a first store (THP).
        SystemCall advise = new() { Kind = SystemCallKind.Advise, Start = data.Start, Length = data.Length };
        yield return advise with { Advice = isFile ? Advice.Random : Advice.NoHugePage };
        yield return OfPages(advise with { Advice = isFile ? Advice.PopulateRead : Advice.PopulateWrite }, plan, 0, PoolPages);
    }

    /// <summary>A call for pages that follow each other in the order in which pages come in.</summary>
    private static SystemCall OfPages(SystemCall call, Plan plan, int first, int count) => call with
    {
        Start = new VirtAddr(plan.AddressOf(first)),
        Length = PageSizes.BaseBytes,
        MoreRanges = count == 1
            ? call.MoreRanges
            : [.. Enumerable.Range(first + 1, count - 1)
                .Select(number => AddrRange.Of(new VirtAddr(plan.AddressOf(number)), PageSizes.BaseBytes))],
    };

    private IEnumerable<ulong> Body(Plan plan, Words words, ulong inner, int thread, ulong seed)
    {
        SeededRandom random = new(seed);
        ZipfTable nodes = ZipfTable.Of((uint)InnerPages);
        for (long read = 0; read < Iterations; read++)
        {
            yield return ThreadScript.Load(inner + ((ulong)nodes.Rank(random.Next()) << 12));
            if (Compute > 0)
            {
                yield return ThreadScript.Control(ControlKind.Compute, Compute);
            }

            long miss = plan.NextMiss(thread, read);
            if (!plan.Misses(thread, read))
            {
                yield return ThreadScript.Load(plan.AddressOf(plan.Present(miss, random.Next())));
                continue;
            }

            if (plan.Evicts(miss, out long batch))
            {
                int calls = Eviction == OneByOne ? Batch : 1;
                for (int call = 0; call < calls; call++)
                {
                    yield return words.Evictions[(int)(((batch * calls) + call) % words.Evictions.Length)];
                }
            }

            ulong address = plan.AddressOf(PoolPages + miss);
            if (Memory != OfFile)
            {
                if (Device > 0)
                {
                    yield return ThreadScript.Control(ControlKind.Sleep, Device);
                }

                yield return words.Read;
                yield return ThreadScript.Control(ControlKind.KernelStore, (long)(address >> 12));
            }

            yield return ThreadScript.Load(address);
        }
    }

    /// <summary>Operations that are system calls.</summary>
    /// <param name="Read">The pread of a page.</param>
    /// <param name="Evictions">Those that evict, in the order of <see cref="Plan.AddressOf"/>.</param>
    private sealed record Words(ulong Read, ulong[] Evictions);

    /// <summary>
    /// Which pages are in memory when. Pages come in in a scattered order over all data, again and again, and have numbers in it: those
    /// below <see cref="PoolPages"/> are there from the start, miss 0 brings the next, and every batch of misses one batch of the oldest
    /// goes. The misses of all threads take turns: thread t has every one whose number is t modulo their count.
    /// </summary>
    private sealed class Plan
    {
        private readonly int _data;
        private readonly int _pool;
        private readonly int _batch;
        private readonly int _threads;
        private readonly ulong _seed;
        private readonly ulong _first;
        private readonly ulong _step;

        public Plan(BufferPool settings, int threads, ulong seed, ulong data)
        {
            Data = data;
            _data = settings.DataPages;
            _pool = settings.PoolPages;
            _batch = settings.Batch;
            _threads = threads;
            _seed = seed;
            _first = SeededRandom.Mix(seed) % (ulong)_data;
            _step = StepOf((ulong)_data);
        }

        /// <summary>The first address of the data.</summary>
        public ulong Data { get; }

        /// <summary>Where the page with a number lies.</summary>
        public ulong AddressOf(long number) => Data + ((((ulong)number % (ulong)_data * _step) + _first) % (ulong)_data << 12);

        /// <summary>The number of a thread's first miss at or after one of its reads.</summary>
        public long NextMiss(int thread, long read) => (MissesBefore(thread, read) * _threads) + thread;

        /// <summary>Whether a read misses.</summary>
        public bool Misses(int thread, long read) => MissesBefore(thread, read + 1) > MissesBefore(thread, read);

        /// <summary>
        /// Whether a miss evicts, and which batch. Who does it changes from batch to batch, as with any race for a full pool.
        /// </summary>
        public bool Evicts(long miss, out long batch)
        {
            batch = miss / _batch;
            return miss % _batch == (long)(SeededRandom.Mix(_seed + (ulong)batch) % (ulong)_batch);
        }

        /// <summary>
        /// The number of a page that is in memory: of the middle half by age. The youngest may not have come yet and the oldest may have
        /// gone, if other threads lag behind or are ahead.
        /// </summary>
        /// <param name="miss">The next miss of the thread.</param>
        /// <param name="random">Random bits that choose it.</param>
        public long Present(long miss, ulong random)
        {
            if (_pool == _data)
            {
                return (long)Math.BigMul(random, (ulong)_data, out _);
            }

            return miss + (_pool / 4) + (long)Math.BigMul(random, (ulong)(_pool / 2), out _);
        }

        /// <summary>Misses of a thread before one of its reads: an even pace, at which threads take turns from the first on.</summary>
        private long MissesBefore(int thread, long read) =>
            (long)((((Int128)read * (_data - _pool)) + ((long)_data * (_threads - 1 - thread) / _threads)) / _data);

        /// <summary>A step over all data that leaves none out and takes neighbours far apart: near the golden section.</summary>
        private static ulong StepOf(ulong data)
        {
            ulong step = Math.Max(1, data * 618 / 1000);
            while (BigInteger.GreatestCommonDivisor(step, data) != 1)
            {
                step++;
            }

            return step;
        }
    }
}
