using VmSim.Core.Addresses;
using VmSim.Core.Checking;

namespace VmSim.Core.Engine;

/// <content>Page-table isolation: the tables of user and kernel, between which the core switches.</content>
public sealed partial class CoreModel
{
    /// <summary>Sets the tags of the loaded space.</summary>
    /// <param name="tag">What the protocol has given it: the kernel's of a pair.</param>
    private void SetTags(Asid tag)
    {
        _kernelTag = tag;
        _tag = Pairs is { } pairs ? pairs.UserOf(tag) : tag;
        Pairs?.Load(tag);
    }

    /// <summary>Cycles of entering the kernel from user mode, on top of the entry's own.</summary>
    private long SwitchIn() => Pairs?.Enter() ?? 0;

    /// <summary>Cycles of returning to user mode, on top of the return's own and without what is owed.</summary>
    private long SwitchOut() => Pairs?.Leave(_kernelTag) ?? 0;

    /// <summary>Cycles of what the user's half of the loaded space's tags owes.</summary>
    private long PayOwed() => Pairs?.PayOwed(_kernelTag) ?? 0;

    /// <summary>The trap of the thread that holds the core is over, and user mode goes on with it.</summary>
    /// <param name="trap">The trap.</param>
    private void LeaveTrap(TrapKind trap)
    {
        // What a guest's host does is behind both tables of its kernel.
        if (Pairs is not null && trap != TrapKind.HostFault)
        {
            long cycles = SwitchOut() + PayOwed();
            _clock += cycles;
            BookTrap(cycles);
        }
    }

    /// <summary>User mode gives the core up without a trap: the scheduler runs.</summary>
    private void EnterScheduler()
    {
        long cycles = SwitchIn();
        _clock += cycles;
        Cycles[CoreCycles.Switch] += cycles;
    }

    /// <summary>The checker hears which tags the core can use from now on.</summary>
    private void TellTags()
    {
        if (_watch is not { } watch)
        {
            return;
        }

        if (_kernelTag != _tag)
        {
            watch.OnBegin(_clock, _loadedSpace, _kernelTag);
        }

        watch.OnBegin(_clock, _loadedSpace, _tag);
    }

    /// <summary>The checker hears of an access; the kernel's has a tag of its own under isolation.</summary>
    private void TellAccess(CoreChecker watch, long began, SpaceId space, AccessKind kind, ulong address, bool userMode)
    {
        if (userMode || _kernelTag == _tag)
        {
            watch.OnAccess(began, space.Value, _tag, kind, address);
        }
        else
        {
            watch.OnKernelAccess(began, space.Value, _kernelTag, kind, address);
        }
    }
}
