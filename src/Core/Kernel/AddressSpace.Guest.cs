using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Paging;
using VmSim.Core.Shootdown;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Kernel;

/// <content>The process in a virtual machine: faults of the host's table, and what its host has the cores drop.</content>
public sealed partial class AddressSpace
{
    /// <summary>Cores that one call of the host interrupts (KVM_HC_SEND_IPI; __send_ipi_mask, arch/x86/kernel/kvm.c).</summary>
    private const int CoresOfHostCall = 128;

    /// <summary>Of each page table, how many table pages the guest's kernel has touched.</summary>
    private readonly int[] _tablesTouched;

    /// <summary>The host's table of the virtual machine that the process runs in; null for none.</summary>
    public PageTable? HostTable => _pool.Guest?.Table;

    /// <summary>What it counted of the host's work; null if no process of the run is in a virtual machine.</summary>
    private readonly GuestSpaceCounters? _guestCounters;

    /// <summary>What is there before the first instruction has memory of the host.</summary>
    private void BackInitialMemory()
    {
        if (_pool.Guest is { } guest)
        {
            TouchMemory(guest);
            _guestCounters!.Reset();
        }
    }

    /// <summary>The guest's kernel touches the frames that an operation was given and the table pages that it added.</summary>
    /// <returns>Cycles that it spends outside of the guest for them.</returns>
    private long TouchMemory()
    {
        if (_pool.Guest is not { } guest)
        {
            return 0;
        }

        long cycles = TouchMemory(guest);
        BoundHostMemory(guest);
        return cycles;
    }

    private long TouchMemory(GuestMachine guest)
    {
        long cycles = 0;
        List<(ulong First, ulong Count)> frames = _pool.Frames.HandedOut!;
        foreach ((ulong first, ulong count) in frames)
        {
            for (ulong page = first; page < first + count; page++)
            {
                cycles += TouchByKernel(guest, page);
            }
        }

        frames.Clear();
        for (int table = 0; table < Tables.Count; table++)
        {
            PageTable touched = Tables[table];
            for (ref int page = ref _tablesTouched[table]; page < touched.TablePageLimit; page++)
            {
                cycles += TouchByKernel(guest, touched.TableAddress(page).PageNumber);
            }
        }

        return cycles;
    }

    private long TouchByKernel(GuestMachine guest, ulong page)
    {
        HostTouch touch = guest.Touch(page, _now + _delays.StoreVisibility.Value, _group.WindowStart);
        if (touch == HostTouch.Backed)
        {
            return 0;
        }

        _guestCounters![GuestSpaceCounters.KernelHostFaults]++;
        return Machine.Guest.ExitCycles + WorkOf(guest, touch);
    }

    /// <summary>What the virtual machine's host hears of its cores.</summary>
    private void HandleForHost(CoreId core, in SimMessage message)
    {
        if (message.Kind == MessageKind.HostFault)
        {
            HandleHostFault(core, message.AsHostFault());
        }
        else
        {
            _pool.Guest!.Flushed(message.AsHostFlush().Flush, _now);
        }
    }

    /// <summary>
    /// A walk of the guest faulted in the host's table. The core has left the guest, and enters it again when the answer is there; what a
    /// message from core to space and back takes at least is part of that way.
    /// </summary>
    private void HandleHostFault(CoreId core, in HostFault fault)
    {
        GuestMachine guest = _pool.Guest!;
        HostTouch touch = guest.Touch(fault.GuestPage, _now + _delays.StoreVisibility.Value, _group.WindowStart);
        long way = (_delays.Trap + _delays.Service + _delays.Return).Value;
        long more = Math.Max(0, Machine.Guest.ExitCycles + WorkOf(guest, touch) - way);
        BoundHostMemory(guest);
        SendToCore(SimMessage.Of(new TrapReturn(fault.Thread)), core, ReturnTime + more);
    }

    /// <summary>What the host does for a fault: the same as the kernel of the profile does for one of a process.</summary>
    private long WorkOf(GuestMachine guest, HostTouch touch)
    {
        if (touch == HostTouch.Backed)
        {
            return Kernel.SpuriousFaultCycles;
        }

        bool isBack = touch == HostTouch.ReadBack;
        _guestCounters![isBack ? GuestSpaceCounters.HostPagesReadBack : GuestSpaceCounters.HostPagesGiven]++;
        long given = guest.PageSize == PageSize.Size4K ? Kernel.AnonymousFaultCycles : Kernel.HugeFaultCycles;
        return given + (isBack ? Kernel.DeviceReadCycles : 0);
    }

    /// <summary>
    /// The host takes pages away if the guest has too many, and has every core that has run the guest drop what it holds. Nobody of the
    /// guest waits for it: the host frees memory on cores of its own.
    /// </summary>
    private void BoundHostMemory(GuestMachine guest)
    {
        long flush = guest.Reclaim(_now + _delays.StoreVisibility.Value, _group.WindowStart, out int pages);
        _guestCounters![GuestSpaceCounters.HostPagesTaken] += pages;
        if (flush == 0)
        {
            return;
        }

        _guestCounters[GuestSpaceCounters.HostFlushes]++;
        CoreMask cores = guest.Cores;
        for (int core = cores.Next(0); core >= 0; core = cores.Next(core + 1))
        {
            SendToCore(SimMessage.Of(new HostFlush(flush)), new CoreId(core), _now + _delays.Service.Value + Machine.IpiCycles);
        }
    }

    /// <summary>What a guest's interrupt of an idle core costs its sender more, and how much later it arrives, in cycles.</summary>
    private long PriceOfGuestWakeUp =>
        _pool.Guest is null || Machine.Guest.Interrupts == GuestInterrupts.Posted ? 0 : Machine.Guest.ExitCycles;

    /// <summary>What an interrupt of the guest costs more than the profiles say.</summary>
    /// <param name="shootdown">What it is for.</param>
    /// <param name="core">Its target.</param>
    /// <param name="arrives">Cycles by which it arrives later.</param>
    /// <returns>Cycles that the sender spends.</returns>
    private long PriceOfGuestInterrupt(ShootdownRequest shootdown, CoreId core, out long arrives)
    {
        string way = Machine.Guest.Interrupts;
        long exit = Machine.Guest.ExitCycles;
        arrives = 0;
        if (_pool.Guest is null || way == GuestInterrupts.Posted)
        {
            return 0;
        }

        arrives = exit;
        if (way == GuestInterrupts.Paravirtual)
        {
            int first = shootdown.HostCallFrom;
            if (first >= 0 && core.Value >= first && core.Value < first + CoresOfHostCall)
            {
                return 0;
            }

            shootdown.HostCallFrom = core.Value;
        }

        return exit;
    }
}
