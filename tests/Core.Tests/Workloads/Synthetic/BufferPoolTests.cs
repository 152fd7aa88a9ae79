using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Workloads.Synthetic;
using VmSim.Core.Workloads.Synthetic.Behaviours;
using VmSim.Testing;

namespace VmSim.Core.Tests.Workloads.Synthetic;

/// <summary>The buffer pool against a plain model of it: a set of pages in memory, and the order in which they came.</summary>
public class BufferPoolTests
{
    private const int Inner = 8;

    private static BufferPool Small =>
        new() { Threads = 1, Iterations = 600, DataPages = 256, PoolPages = 128, InnerPages = Inner, Batch = 16 };

    [Theory]
    [InlineData(1, "anonymous", "madvise")]
    [InlineData(3, "anonymous", "madvise")]
    [InlineData(16, "anonymous", "process-madvise")]
    [InlineData(4, "file", "process-madvise")]
    public void Build_ThreadsInTurn_ReadWhatIsInMemoryAndEvictTheOldest(int threads, string memory, string eviction)
    {
        BufferPool program = Small with { Threads = threads, Memory = memory, Eviction = eviction };
        ProgramImage image = program.Build(new ProgramContext("db", 0, 7, 4));
        PoolModel model = new(image, memory == "file");
        List<Queue<List<Operation>>> reads = [.. image.Threads.Select(thread => ReadsOf(thread))];
        Assert.All(reads, ofThread => Assert.Equal(600, ofThread.Count));
        for (int read = 0; read < 600; read++)
        {
            for (int thread = 0; thread < threads; thread++)
            {
                model.Read(reads[thread].Dequeue(), image.Threads[thread].SystemCalls);

                // who evicts is drawn from the batch's misses, so that a batch may go early or late
                Assert.InRange(model.InMemory, 128 - 16, 128 + 16);
            }
        }

        // half of the data does not fit; by even paces each thread misses a half, or one more
        Assert.InRange(model.Misses, 300 * threads, 301 * threads);
        Assert.InRange(model.Evicted, model.Misses - 16, model.Misses + 16);
        Assert.Equal(eviction == "madvise" ? model.Evicted : model.Evicted / 16, model.EvictionCalls);
    }

    [Fact]
    public void Build_OtherSeed_HasAnotherOrderOfPages()
    {
        ProgramImage one = Small.Build(new ProgramContext("db", 0, 1, 4));
        ProgramImage other = Small.Build(new ProgramContext("db", 0, 2, 4));
        Assert.NotEqual(one.Threads[0].SystemCalls[1].Start, other.Threads[0].SystemCalls[1].Start);
    }

    [Fact]
    public void Build_PoolThatHoldsAll_NeitherMissesNorEvicts()
    {
        ProgramImage image = (Small with { PoolPages = 256 }).Build(new ProgramContext("db", 0, 1, 4));
        Assert.All(ReadsOf(image.Threads[0]).SelectMany(read => read), operation =>
            Assert.True(!operation.IsControl || operation.Control == ControlKind.Compute));
    }

    [Theory]
    [InlineData(250, 128, "data-pages")]
    [InlineData(256, 250, "pool-pages")]
    [InlineData(256, 60, "pool-pages")]
    [InlineData(256, 512, "pool-pages")]
    public void Build_SettingsThatContradictEachOther_AreRefused(int data, int pool, string key)
    {
        BufferPool program = Small with { DataPages = data, PoolPages = pool };
        ArgumentException error = Assert.Throws<ArgumentException>(() => program.Build(new ProgramContext("db", 0, 1, 4)));
        Assert.StartsWith(key, error.Message);
    }

    /// <summary>The kernel finds what the plain model says: a fault and a shootdown for each miss, and nothing besides.</summary>
    [Fact]
    public void Run_OneThread_FaultsAtEachMissAndShootsDownEachPage()
    {
        RunReport report = Run(Small, warm: true);
        Assert.Equal(RunOutcomes.Completed, report.Outcome);
        Assert.Equal(300, report.Total("anonymousFaults"));
        Assert.Equal(300, report.Total("minorFaults"));
        Assert.InRange(report.Total("otherOperations"), 300 - 16, 300 + 16);
        Assert.Equal(report.Total("otherOperations"), report.Total("shootdowns"));
        Assert.Equal(report.Total("otherOperations"), report.Total("pagesShotDown"));
        Assert.Equal(0, report.Total("segmentationFaults"));
    }

    [Fact]
    public void Run_OfFile_ReadsEachMissFromTheDevice()
    {
        RunReport report = Run(Small with { Memory = "file", Eviction = "process-madvise" }, warm: false);
        Assert.Equal(RunOutcomes.Completed, report.Outcome);
        Assert.Equal(300, report.Total("majorFaults"));
        Assert.InRange(report.Total("otherOperations"), 300 / 16, (300 / 16) + 1);
        Assert.Equal(report.Total("otherOperations"), report.Total("shootdowns"));
        Assert.Equal(16 * report.Total("shootdowns"), report.Total("pagesShotDown"));
    }

    private static RunReport Run(BufferPool program, bool warm) => TestWorlds.Run(new ScenarioSpec
    {
        Name = "db",
        Machine = new MachineSpec { Cores = 2 },
        Shootdown = new ShootdownSpec { Protocol = "linux" },
        Memory = new MemorySpec { WarmPageCache = warm, FaultAround = PageSizes.BaseBytes },
        Processes = [new ProcessSpec { Name = "db", Program = copy => program.Build(new ProgramContext("db", copy, 7, 2)) }],
    });

    /// <summary>A thread's operations, from one look at an inner node to the next.</summary>
    private static Queue<List<Operation>> ReadsOf(ThreadProgram thread)
    {
        Queue<List<Operation>> reads = new();
        ulong[] words = new ulong[64];
        IOperationStream stream = thread.Open();
        List<Operation> last = [];
        for (int count = stream.Read(words); count > 0; count = stream.Read(words))
        {
            foreach (Operation operation in words.Take(count).Select(word => new Operation(word)))
            {
                if (!operation.IsControl && operation.PageAddress < Regions.Base + (Inner << 12))
                {
                    last = [];
                    reads.Enqueue(last);
                }

                last.Add(operation);
            }
        }

        return reads;
    }

    /// <summary>A pool as one would write it down: what is in memory, by age.</summary>
    private sealed class PoolModel
    {
        private readonly bool _isFile;
        private readonly List<ulong> _byAge = [];

        public PoolModel(ProgramImage image, bool isFile)
        {
            _isFile = isFile;
            Assert.Equal(isFile ? Advice.PopulateRead : Advice.PopulateWrite, image.InitialMappings[^1].Advice);
            _byAge.AddRange(PagesOf(image.InitialMappings[^1]));
            Assert.Equal(_byAge.Count, _byAge.Distinct().Count());
        }

        public int InMemory => _byAge.Count;

        public int Misses { get; private set; }

        public int Evicted { get; private set; }

        public int EvictionCalls { get; private set; }

        public void Read(List<Operation> operations, IReadOnlyList<SystemCall> calls)
        {
            foreach (Operation operation in operations.Skip(1))
            {
                if (!operation.IsControl)
                {
                    Load(operation.PageAddress);
                }
                else if (operation.Control == ControlKind.KernelStore)
                {
                    Assert.False(_isFile);
                    Bring(operation.Argument << 12);
                }
                else if (operation.Control == ControlKind.SystemCall
                    && calls[(int)operation.Argument] is { Kind: SystemCallKind.Advise } call)
                {
                    Assert.Equal(_isFile ? Advice.PageOut : Advice.DontNeed, call.Advice);
                    Evict([.. PagesOf(call)]);
                }
            }
        }

        private void Load(ulong page)
        {
            if (_isFile && !_byAge.Contains(page))
            {
                Bring(page);
            }

            Assert.Contains(page, _byAge);
        }

        private void Bring(ulong page)
        {
            Assert.DoesNotContain(page, _byAge);
            _byAge.Add(page);
            Misses++;
        }

        private void Evict(List<ulong> pages)
        {
            Assert.Equal(_byAge.Take(pages.Count), pages);
            _byAge.RemoveRange(0, pages.Count);
            Evicted += pages.Count;
            EvictionCalls++;
        }

        private static IEnumerable<ulong> PagesOf(SystemCall call)
        {
            Assert.Equal(PageSizes.BaseBytes, call.Length);
            return call.MoreRanges.Select(range => range.Start.Value).Prepend(call.Start.Value);
        }
    }
}
