using VmSim.Core.Addresses;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Core.Workloads.Synthetic;
using VmSim.Core.Workloads.Synthetic.Behaviours;
using VmSim.Testing;

namespace VmSim.Core.Tests.Workloads.Synthetic;

/// <summary>Random writes of mapped files: who writes what back when, and what the kernel makes of it.</summary>
public class MappedWritesTests
{
    private static MappedWrites Small => new() { Threads = 3, Iterations = 40, Files = 8, FilePages = 64, SyncEvery = 30, Compute = 100 };

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(20)]
    public void Build_AllThreads_WriteEveryFileBackOnceARound(int threads)
    {
        ProgramImage image = (Small with { Threads = threads }).Build(new ProgramContext("db", 0, 7, 4));
        List<VirtAddr> files = [.. image.InitialMappings.Select(mapping => mapping.Start).Distinct()];
        int[] syncs = new int[8];
        foreach (ThreadProgram thread in image.Threads)
        {
            List<Operation> operations = OperationsOf(thread);
            Assert.Equal(40 * 4, operations.Count(operation => !operation.IsControl));
            foreach (Operation sync in operations.Where(operation => operation.IsControl && operation.Control == ControlKind.SystemCall))
            {
                syncs[files.IndexOf(thread.SystemCalls[(int)sync.Argument].Start)]++;
            }
        }

        // who ends before a round does leaves its files of that round to nobody
        int rounds = 40 * threads / 30;
        Assert.All(syncs, count => Assert.InRange(count, rounds - 1, rounds));
    }

    [Fact]
    public void Build_Blocks_LieInOneFileEach()
    {
        ProgramImage image = Small.Build(new ProgramContext("db", 0, 7, 4));
        ulong[] stores =
            [.. OperationsOf(image.Threads[0]).Where(operation => !operation.IsControl).Select(operation => operation.PageAddress)];
        for (int store = 0; store < stores.Length; store++)
        {
            Assert.Equal(stores[store - (store % 4)] + ((ulong)(store % 4) << 12), stores[store]);
            Assert.Contains(image.InitialMappings, mapping => stores[store] - mapping.Start.Value < 64 << 12);
        }
    }

    [Fact]
    public void Build_FileThatHoldsNoWholeBlocks_IsRefused()
    {
        MappedWrites program = Small with { FilePages = 66 };
        ArgumentException error = Assert.Throws<ArgumentException>(() => program.Build(new ProgramContext("db", 0, 1, 4)));
        Assert.StartsWith("file-pages: 66 found; a multiple of write-pages (4) is needed, such as 68", error.Message);
    }

    /// <summary>
    /// The kernel finds what a plain model says: a fault where a clean page is stored to, and a shootdown where it is cleaned.
    /// </summary>
    [Theory]
    [InlineData("linux", false)]
    [InlineData("broadcast", false)]
    [InlineData("early-ack", true)]
    public void Run_EachPageThatIsWrittenBack_IsAShootdownByItself(string protocol, bool batches)
    {
        MappedWrites program = Small with { Threads = 1, Iterations = 150 };
        (long faults, long cleaned, long calls) = Plain(program.Build(new ProgramContext("db", 0, 7, 1)).Threads[0]);
        RunReport report = TestWorlds.RunThreads(
            TestWorlds.Scenario(1) with
            {
                Memory = new MemorySpec { WarmPageCache = true },
                Processes = [new ProcessSpec { Name = "db", Program = copy => program.Build(new ProgramContext("db", copy, 7, 1)) }],
            },
            protocol: ShootdownProtocols.All.Single(subject => subject.Name == protocol));
        Assert.True(cleaned > calls);
        Assert.Equal((faults, batches ? calls : cleaned), (report.Total("minorFaults"), report.Total("shootdowns")));
        Assert.Equal(cleaned, report.Total("pagesShotDown"));
    }

    /// <summary>What the stores and calls of a thread alone do to pages: faults, pages cleaned, calls that clean any.</summary>
    private static (long Faults, long Cleaned, long Calls) Plain(ThreadProgram thread)
    {
        HashSet<ulong> dirty = [];
        (long faults, long cleaned, long calls) = (0, 0, 0);
        foreach (Operation operation in OperationsOf(thread))
        {
            if (!operation.IsControl)
            {
                faults += dirty.Add(operation.PageAddress) ? 1 : 0;
            }
            else if (operation.Control == ControlKind.SystemCall)
            {
                SystemCall call = thread.SystemCalls[(int)operation.Argument];
                int gone = dirty.RemoveWhere(page => page - call.Start.Value < call.Length);
                cleaned += gone;
                calls += gone > 0 ? 1 : 0;
            }
        }

        return (faults, cleaned, calls);
    }

    private static List<Operation> OperationsOf(ThreadProgram thread)
    {
        List<Operation> operations = [];
        ulong[] words = new ulong[64];
        IOperationStream stream = thread.Open();
        for (int count = stream.Read(words); count > 0; count = stream.Read(words))
        {
            operations.AddRange(words.Take(count).Select(word => new Operation(word)));
        }

        return operations;
    }
}
