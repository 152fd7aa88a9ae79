using VmSim.Core.Memory;
using VmSim.Core.Paging;
using VmSim.Core.Programs;
using VmSim.Core.Tests.Traces.Import;
using VmSim.Core.Traces;

namespace VmSim.Core.Tests.Memory;

/// <summary>Small traces of calls, and what Linux 6.18 makes of them: minor faults, segmentation faults and failed calls.</summary>
public sealed class CallSemanticsTests
{
    [Theory]
    [InlineData("brk", 4, 0, 0)]
    [InlineData("dontneed-hole", 5, 0, 0)]
    [InlineData("dontunmap", 4, 0, 0)]
    [InlineData("hugetlb", 1, 0, 0)]
    [InlineData("mremap-two-areas", 1, 1, 0)]
    [InlineData("nanos-985", 6, 0, 0)]
    [InlineData("populate", 0, 0, 0)]
    [InlineData("strace-mremap", 3, 0, 0)]
    public void Trace_OfCalls_FaultsAsOnTheMachine(string name, int minor, int segmentation, int failed)
    {
        using Stream stream = Logs.OpenCase("memory", name + ".vmt");
        LoadedTrace trace = VmtReader.Load(stream, name);
        FramePool pool = new(16UL << 20);
        PageTable table = new(PageTableFormats.X64);
        VirtualMemory memory = new(table, pool, new PageCache(pool, warm: true), new VirtualMemoryOptions(), []);
        memory.SetInitialBreak(trace.Image.InitialBreak);
        int failedCalls = trace.Image.InitialMappings.Count(call => Apply(memory, call).Error is not null);
        Dictionary<bool, int> faults = new() { [true] = 0, [false] = 0 };
        ThreadProgram thread = Assert.Single(trace.Image.Threads);
        IOperationStream operations = thread.Open();
        ulong[] word = new ulong[1];
        while (operations.Read(word) == 1)
        {
            Operation operation = new(word[0]);
            if (!operation.IsControl)
            {
                FaultResult result = memory.HandleFault(new(operation.PageAddress), operation.Kind);
                faults[result.Succeeded] += result.Kind is FaultKind.Spurious or FaultKind.AccessedDirty ? 0 : 1;
            }
            else if (operation.Control == ControlKind.SystemCall)
            {
                failedCalls += Apply(memory, thread.SystemCalls[(int)operation.Argument]).Error is null ? 0 : 1;
            }
        }

        Assert.Equal((minor, segmentation, failed), (faults[true], faults[false], failedCalls));
    }

    private static MmResult Apply(VirtualMemory memory, SystemCall call)
    {
        MmResult result = memory.Apply(call);
        if (result.Release is { } batch)
        {
            memory.Release(batch);
        }

        return result;
    }
}
