using VmSim.Core.Addresses;
using VmSim.Core.Programs;
using VmSim.Core.Settings;
using VmSim.Core.Statistics;

namespace VmSim.Core.Workloads.Synthetic.Behaviours;

/// <summary>
/// Threads that write blocks at random places of mapped files, and write the files back again and again. Writing back takes from each
/// dirty page the right to be stored to, so that other cores have to be told of every page, and the next store to it faults.
/// </summary>
/// <remarks>
/// Source: sysbench's fileio with <c>--file-test-mode=rndwr --file-io-mode=mmap</c> (github.com/akopytov/sysbench,
/// src/tests/fileio/sb_fileio.c), on which N. Amit's patches "x86/tlb: Concurrent TLB flushes" were measured (linux-kernel, 2019 to 2021,
/// with <c>--file-total-size=3G</c>): 128 files, blocks of 16 KiB, and after each 100 requests every file is written back once. Requests
/// are counted over all threads there, and whoever comes by takes the next file. Here threads take writes and files by turns, so that no
/// stream depends on another. An msync of the mapping stands for the fdatasync of the file.
/// </remarks>
public sealed record MappedWrites : SyntheticProgram
{
    /// <summary>Blocks that each thread writes.</summary>
    [Setting("Blocks that each thread writes.", Min = 1, Max = 1e12)]
    public long Iterations { get; init; } = 1_000;

    /// <summary>Mapped files.</summary>
    [Setting("Mapped files.", Min = 1, Max = 1024)]
    public int Files { get; init; } = 128;

    /// <summary>Pages of each file.</summary>
    [Setting("Pages of each file, a multiple of write-pages; all are in memory.", Unit = SettingUnit.Pages, Min = 1, Max = 1_048_576)]
    public int FilePages { get; init; } = 6_144;

    /// <summary>Pages of a block.</summary>
    [Setting("Pages of a block that is written; sysbench's 16 KiB are 4.", Unit = SettingUnit.Pages, Min = 1, Max = 1024)]
    public int WritePages { get; init; } = 4;

    /// <summary>Writes of all threads between two rounds of writing back.</summary>
    [Setting("Blocks that all threads write before they write every file back.", Min = 1, Max = 1e9)]
    public int SyncEvery { get; init; } = 100;

    /// <summary>
    /// Cycles of a write besides its stores and its share of calls; calibrated so that one thread on skylake-sp-2s makes the 115,292 events
    /// a second, writes and files written back, that one of sysbench's made on such a machine.
    /// </summary>
    [Setting("Computing for each block: drawing it, filling its pages, sending them to memory.", Unit = SettingUnit.Cycles, Min = 0,
        Max = 1e12)]
    public long Compute { get; init; } = 36_000;

    /// <inheritdoc/>
    public override ProgramImage Build(ProgramContext context)
    {
        int threads = ThreadCount(context);
        if (FilePages % WritePages != 0)
        {
            throw new ArgumentException(
                $"file-pages: {FilePages} found; a multiple of write-pages ({WritePages}) is needed, such as "
                + $"{((FilePages / WritePages) + 1) * WritePages}",
                nameof(context));
        }

        ulong[] starts = [.. Enumerable.Range(0, Files).Select(file => Regions.Start(file, Files, (ulong)FilePages))];
        ThreadScript script = new();
        ulong[] syncs = [.. starts.Select(start => script.Call(Sync(start)))];
        return new ProgramImage
        {
            Name = context.Name,
            Files = [.. Enumerable.Range(0, Files).Select(file => new ProgramFile($"/srv/test_file.{file}", (ulong)FilePages << 12))],
            InitialMappings = [.. starts.SelectMany(InitialCalls)],
            Threads = [.. Enumerable.Range(0, threads).Select(thread => script.Thread(
                $"{context.Name}/{thread}",
                () => Body(starts, syncs, thread, threads, SeededRandom.Derive(context.Seed, context.Copy, thread))))],
        };
    }

    /// <summary>The mapping of a file, whose pages have been touched.</summary>
    private IEnumerable<SystemCall> InitialCalls(ulong start, int file)
    {
        SystemCall mapping = ThreadScript.Mapping(start, (ulong)FilePages) with
        {
            Source = MappingSource.File,
            FileId = file,
            Shared = true,
        };
        SystemCall touch = new() { Kind = SystemCallKind.Advise, Start = mapping.Start, Length = mapping.Length };
        return [mapping, touch with { Advice = Advice.PopulateRead }];
    }

    private SystemCall Sync(ulong start) => new()
    {
        Kind = SystemCallKind.Sync,
        Start = new VirtAddr(start),
        Length = (ulong)FilePages << 12,
        SyncFlags = SyncFlags.Synchronous,
    };

    private IEnumerable<ulong> Body(ulong[] starts, ulong[] syncs, int thread, int threads, ulong seed)
    {
        SeededRandom random = new(seed);
        long round = 0;
        for (long write = 0; write < Iterations; write++)
        {
            for (long due = ((write * threads) + thread) / SyncEvery; round < due; round++)
            {
                foreach (ulong sync in SyncsOf(syncs, round, thread, threads))
                {
                    yield return sync;
                }
            }

            if (Compute > 0)
            {
                yield return ThreadScript.Control(ControlKind.Compute, Compute);
            }

            ulong block = random.Below((ulong)Files * (ulong)(FilePages / WritePages)) * (ulong)WritePages;
            ulong first = starts[block / (ulong)FilePages] + (block % (ulong)FilePages << 12);
            for (int page = 0; page < WritePages; page++)
            {
                yield return ThreadScript.Store(first + ((ulong)page << 12));
            }
        }
    }

    /// <summary>The files that a thread writes back in a round: those whose turn is its own.</summary>
    private static IEnumerable<ulong> SyncsOf(ulong[] syncs, long round, int thread, int threads)
    {
        long turn = round * syncs.Length;
        return syncs.Where((_, file) => (turn + file) % threads == thread);
    }
}
