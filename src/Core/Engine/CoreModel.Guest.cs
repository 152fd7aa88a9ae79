using VmSim.Core.Addresses;
using VmSim.Core.Shootdown;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Engine;

/// <content>The core as one of a virtual machine.</content>
public sealed partial class CoreModel
{
    /// <summary>What it counted of the host's work; null without virtual machines.</summary>
    private readonly GuestCoreCounters? _guestCounters;

    /// <summary>Has the MMU walk the loaded space's table, and its host's if it is in a virtual machine.</summary>
    private void LoadTable()
    {
        if (_world.GuestOf(_loadedSpace) is { } guest)
        {
            Mmu.LoadNested(_tag, _table!, guest.Tag, guest.Table);
        }
        else
        {
            Mmu.Load(_tag, _table!);
        }
    }

    /// <summary>
    /// A walk found nothing for a guest-physical page: the core leaves the guest, whose kernel hears nothing of it, and the access is made
    /// again.
    /// </summary>
    private void RaiseHostFault(SimThread thread, ulong guestPage, ulong address, AccessKind kind, long began)
    {
        if (_tellsTranslations)
        {
            TakeEvents(0);
        }

        CountInARow(thread, kind, address);
        _guestCounters![GuestCoreCounters.HostFaults]++;
        thread.Trap = TrapKind.HostFault;
        thread.TrapBegan = began;
        Send(SimMessage.Of(new HostFault(thread.Id, guestPage)), thread.Space, _clock + _delays.Trap.Value);
        State = CoreState.Trapped;
        _timeline?.BeginTrap(TrapKind.HostFault, _clock);
    }

    /// <summary>
    /// The host has the core drop everything: guest's and nested translations (kvm_flush_remote_tlbs, virt/kvm/kvm_main.c, which kicks the
    /// cores that run the guest; one that is halted does so when it enters the guest again, and nothing interrupts it).
    /// </summary>
    private void HandleHostFlush(SpaceId space, in HostFlush flush)
    {
        _losses.Flush();
        Counters[CoreCounters.EntriesInvalidated] += Mmu.InvalidateNested();
        Counters[CoreCounters.FullFlushes]++;
        _guestCounters![GuestCoreCounters.HostFlushesHandled]++;
        if (_tellsTranslations)
        {
            TakeEvents(0);
        }

        if (State != CoreState.Idle)
        {
            long cycles = Machine.Guest.ExitCycles + Kernel.InvalidateAllCycles;
            Cycles[CoreCycles.Interrupt] += cycles;
            _clock += cycles;
        }

        Send(SimMessage.OfDone(flush), space, _clock + _delays.Notice.Value);
    }
}
