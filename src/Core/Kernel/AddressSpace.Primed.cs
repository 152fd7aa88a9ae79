using VmSim.Core.Addresses;
using VmSim.Core.Paging;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Kernel;

/// <content>Translations that faults put into the TLB of their core, for protocols that prime fills.</content>
public sealed partial class AddressSpace
{
    /// <inheritdoc/>
    public void NoteFlushed(Cycles begunAt) => _memory!.Holders?.Flushed(begunAt);

    /// <summary>
    /// The core of a fault that has mapped a page becomes its holder, unless hardware has marked the entry or another core may hold it. Who
    /// sleeps in its fault walks afterwards, since its core may be another by then; so does a guest, whose pages lie in its host's.
    /// </summary>
    /// <param name="operation">The fault.</param>
    /// <param name="before">The entry before the fault.</param>
    /// <returns>Cycles that the fault takes longer.</returns>
    private long PrimeAfter(KernelOperation operation, in EntryInfo before)
    {
        if (_memory!.Holders is not { } holders || operation.Result != TrapResult.Done || _pool.Guest is not null)
        {
            return 0;
        }

        EntryInfo leaf = Table.Query(operation.Address);
        if (!leaf.Present || (leaf.Flags & PageFlags.Accessed) != 0)
        {
            return 0;
        }

        // An entry that got more rights and kept its frame is held as before: nobody has had to drop it.
        ulong page = operation.FirstPage & ~(leaf.Size.BasePages() - 1);
        bool isNew = !before.Present || before.Frame != leaf.Frame || before.Size != leaf.Size;
        if (!holders.TryTake(page, operation.Core, operation.Id, _now, isNew))
        {
            return 0;
        }

        operation.Primes = leaf.Size;
        operation.PrimedPage = page;
        return _shootdown.OnPrimed(operation.Core, VirtAddr.OfPage(operation.FirstPage)).Value;
    }
}
