namespace VmSim.Core.Traces;

/// <summary>Comments of a trace that say more than its records can.</summary>
public static class TraceComments
{
    /// <summary>TLB flushes of the recorded kernel: reason, count, pages of the partial ones, count of full ones.</summary>
    public const string KernelFlushes = "# kernel tlb_flush ";
}
