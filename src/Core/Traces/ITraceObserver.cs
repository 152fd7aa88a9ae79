using VmSim.Core.Addresses;
using VmSim.Core.Programs;

namespace VmSim.Core.Traces;

/// <summary>
/// Hears what a trace holds in the order of its records, while <see cref="VmtReader"/> reads it. A child's records come between those of
/// its parent, at the fork.
/// </summary>
public interface ITraceObserver
{
    /// <summary>A mapping that stands before the first instruction.</summary>
    void Initial(SystemCall call);

    /// <summary>A memory call that succeeded.</summary>
    /// <param name="record">The record's number in its own trace, from 1.</param>
    /// <param name="call">The call. Files are numbered as in the program's image.</param>
    void Call(long record, SystemCall call);

    /// <summary>The process begins a new program. A call that unmaps everything follows.</summary>
    /// <param name="record">The record's number in its own trace, from 1.</param>
    void Execute(long record);

    /// <summary>The process, or the kernel for it, uses pages.</summary>
    /// <param name="kind">What it does.</param>
    /// <param name="page">The first page's number.</param>
    /// <param name="pages">How many, from 1.</param>
    void Access(AccessKind kind, ulong page, ulong pages);

    /// <summary>The process forked, and the child has a trace; what follows is the child's.</summary>
    /// <param name="process">The child's number in the kernel.</param>
    void BeginChild(ulong process);

    /// <summary>The child's trace has ended; what follows is its parent's.</summary>
    void EndChild();
}
