using VmSim.Core.Memory;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Kernel;

/// <content>Calls that allocate or free many pages do so batch by batch, so that others get the pool's locks in between.</content>
public sealed partial class AddressSpace
{
    /// <summary>Begins the work of a call or fork, <paramref name="cycles"/> in all, spread evenly over the batches of its pages.</summary>
    private void BeginBatches(KernelOperation operation, long cycles, MmResult result)
    {
        operation.WorkLeft = cycles;
        operation.PagesToFree = Math.Min(result.PagesZapped, operation.Release?.FrameReferences ?? 0);
        operation.PagesToTake = result.PagesPopulated + result.TablesAllocated;
        long delay = _locks.EnterCall(operation, _now);
        delay += EnterNoted(operation.Core, _now + delay);
        delay += _pool.Locks.Promise(_now + delay, operation.Core, _pool.Frames.Promised - operation.PromisedBefore, Counters);
        Batch(operation, delay);
    }

    private void NextBatch(KernelOperation operation) => Batch(operation, 0);

    private void Batch(KernelOperation operation, long delay)
    {
        long most = Math.Max(operation.PagesToFree, operation.PagesToTake);
        long batches = Math.Max(1, (most + Kernel.LruBatch - 1) / Kernel.LruBatch);
        long freed = Math.Min(operation.PagesToFree, Kernel.LruBatch);
        long taken = Math.Min(operation.PagesToTake, Kernel.LruBatch);
        operation.PagesToFree -= freed;
        operation.PagesToTake -= taken;
        delay += _locks.Batch(operation, freed, taken, _now + delay);
        _pool.Warmth.Free(operation.Core, freed, Kernel);
        if (batches == 1)
        {
            Proceed(operation, operation.WorkLeft, delay);
            return;
        }

        // What is left for the last batch is never below the service time, so that batches alone make no operation longer.
        long work = Math.Max(0, operation.WorkLeft - _delays.Service.Value) / batches;
        operation.WorkLeft -= work;
        SendToSelf(MessageKind.OperationBatch, operation, _now + work + delay);
    }
}
