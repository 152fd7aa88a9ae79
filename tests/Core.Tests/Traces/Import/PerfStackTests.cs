using System.Text;
using VmSim.Core.Traces.Import;

namespace VmSim.Core.Tests.Traces.Import;

/// <summary>Call chains of perf -g become the sites of calls.</summary>
public sealed class PerfStackTests
{
    /// <summary>As perf 6.1 prints them: addresses in files, with the kernel's frames first where it was asked for them.</summary>
    private const string Recording = """
        pools 7/7 [001] 10.000001: PERF_RECORD_COMM exec: pools:7/7
        pools 7/7 [001] 10.000002: PERF_RECORD_MMAP2 7/7: [0x55aa34228000(0x2000) @ 0x1000 fe:00 11 0]: r-xp /tmp/my pools
        pools 7/7 [001] 10.000003: exceptions:page_fault_user: address=0x55aa34228010 ip=0x55aa34228010 error_code=0x14
        pools 7/7 [001] 10.000010: syscalls:sys_enter_mmap: addr: 0x0, len: 0x3000, prot: 0x3, flags: 0x22, fd: 0xffffffff, off: 0x0
        	ffffffff821f2900 do_syscall_64 ([kernel.kallsyms])
        	           20ca3 mmap64 (/usr/lib/x86_64-linux-gnu/libc.so.6)
        	            1150 take (inlined)
        	            1150 take (inlined)
        	            1150 pool_make (/tmp/my pools)
        	    55aa34228020 main+0x10 (/tmp/my pools)
        	               0 [unknown] ([unknown])

        pools 7/7 [001] 10.000012: syscalls:sys_exit_mmap: 0x7f0000000000
        	           20ca3 mmap64 (/usr/lib/x86_64-linux-gnu/libc.so.6)

        pools 7/7 [001] 10.000015: tlb:tlb_flush: pages:2 reason:local MM shootdown (3) ffffffff813426ac flush_tlb_func ([kernel.kallsyms])
        pools 7/7 [001] 10.000016: tlb:tlb_flush: pages:-1 reason:1 ffffffff813426ac flush_tlb_func ([kernel.kallsyms])
        pools 7/7 [001] 10.000020: syscalls:sys_enter_munmap: addr: 0x7f0000000000, len: 0x00003000
        pools 7/7 [001] 10.000022: syscalls:sys_exit_munmap: 0x0
        """;

    [Fact]
    public void Script_WithCallChains_SaysFromWhereCallsAreMade()
    {
        (ImportSummary summary, string text) = Import(new ImportOptions());
        Assert.Contains(
            "\ng 1 mmap64 libc.so.6+0x20ca3;take (inlined);pool_make my_pools+0x1150;main my_pools+0x1020;?? [unknown]+0x0\n", text);
        Assert.Contains("\n# kernel tlb_flush remote-shootdown 1 pages 0 full 1\n", text);
        Assert.Contains("\n# kernel tlb_flush local-mm-shootdown 1 pages 2 full 0\n", text);
        Assert.Contains("\n@ 1\nm 7f0000000000 ", text);

        // A call without a chain is from nowhere known, and not from where the call before it was.
        Assert.Equal(1, text.Split("\n@ ").Length - 1);
        Assert.Contains("\nu 7f0000000000 3000\n", text);
        Assert.Equal((8, 0), (summary.Records["lines of call chains"], summary.Dropped));
    }

    [Fact]
    public void Script_WithSourceLines_NamesThem()
    {
        List<(string, ulong)> asked = [];
        (_, string text) = Import(new ImportOptions
        {
            SourceLine = (module, offset) =>
            {
                asked.Add((module, offset));
                return module == "/tmp/my pools" ? $"pools.c:{offset}" : null;
            },
        });
        Assert.Contains($"pool_make pools.c:{0x114f};main pools.c:{0x101f};", text);
        Assert.Equal([("/usr/lib/x86_64-linux-gnu/libc.so.6", 0x20ca3), ("/tmp/my pools", 0x114f), ("/tmp/my pools", 0x101f)], asked);
    }

    [Fact]
    public void Script_WhereNobodyWantsStacks_HasNone()
    {
        (ImportSummary summary, string text) = Import(new ImportOptions { Stacks = false });
        Assert.DoesNotContain("\ng ", text);
        Assert.Equal(8, summary.Records["lines of call chains"]);
    }

    private static (ImportSummary Summary, string Text) Import(ImportOptions options) =>
        Logs.Import("perf", new MemoryStream(Encoding.UTF8.GetBytes(Recording)), options);
}
