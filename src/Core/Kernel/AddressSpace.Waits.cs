using VmSim.Core.Addresses;

namespace VmSim.Core.Kernel;

/// <content>Who waits for what, for a run that cannot go on.</content>
public sealed partial class AddressSpace
{
    /// <summary>Who waits for what, one line a thread: each other, a lock, or acknowledgements.</summary>
    internal IEnumerable<string> DescribeWaits()
    {
        foreach (string line in _threads.DescribeWaits())
        {
            yield return line;
        }

        foreach (KernelOperation operation in _operations.Values.OrderBy(operation => operation.Id))
        {
            yield return $"{Name}: {_threads.Describe(operation.Thread)} in {Describe(operation)} {DescribeWait(operation)}";
        }
    }

    private string DescribeWait(KernelOperation operation)
    {
        if (_mapLock.BlockerOf(operation) is { } other)
        {
            return $"waits at mmap_lock behind {Describe(other)} of {_threads.Describe(other.Thread)}";
        }

        if (operation.Shootdown is not { } shootdown)
        {
            return "has not ended";
        }

        return shootdown.PendingAcks == 0
            ? $"waits for protocol {_setup.Protocol.Name} to finish its shootdown"
            : $"waits for acknowledgements of cores {string.Join(", ", CoresOf(shootdown.Unacknowledged))}";
    }

    private static string Describe(KernelOperation operation) => operation switch
    {
        { Kind: OperationKind.Fault } => $"{Describe(operation.Access, operation.IsKernelAccess)} fault at {operation.Address}",
        { Kind: OperationKind.Exit } => "exit",
        { Call: { } call } => $"{call.Kind.ToString().ToLowerInvariant()} call at {call.Start}",
        _ => "fork",
    };

    private static string Describe(AccessKind access, bool isKernel) => (isKernel ? "kernel " : "") + access.ToString().ToLowerInvariant();

    private static IEnumerable<int> CoresOf(CoreMask? mask)
    {
        for (int core = mask?.Next(0) ?? -1; core >= 0; core = mask!.Next(core + 1))
        {
            yield return core;
        }
    }
}
