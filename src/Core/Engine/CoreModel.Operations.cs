using System.Runtime.CompilerServices;
using VmSim.Core.Addresses;
using VmSim.Core.Checking;
using VmSim.Core.Mmu;
using VmSim.Core.Paging;
using VmSim.Core.Programs;
using VmSim.Core.Shootdown;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Engine;

/// <content>Operations of the running thread.</content>
public sealed partial class CoreModel
{
    /// <summary>Faults on one operation after which the model, not the program, must be wrong.</summary>
    private const int FaultsInARowMax = 1_000;

    /// <summary>Runs the thread: starts operations before <paramref name="until"/>, until it leaves the core or traps.</summary>
    private void RunThread(long until)
    {
        SimThread thread = _thread!;
        if (thread.Sampling is { } sampling)
        {
            RunSampled(thread, sampling, until);
            return;
        }

        // Three loops, the narrowest first. RunPlain never leaves the MMU: hits and walks of one reference to 4 KiB pages, all in
        // registers. RunHits makes what hits the first level otherwise: other sizes, fetches from another page, a machine with one level.
        // RunMiss makes the one access that both left over, which may set bits, tell the protocol or fault, and the fast loops go on behind
        // it. Each stops before what it cannot do and changes nothing of it, so the order is one of speed alone.
        do
        {
            if (thread.Position == thread.Length && !thread.Refill())
            {
                ExitThread(thread);
                return;
            }

            if (Mmu.CanRun)
            {
                RunPlain(thread, until);
            }

            RunHits(thread, until);
            if (_clock >= until || thread.Position == thread.Length)
            {
                continue;
            }

            ulong word = thread.Buffer[thread.Position];
            if ((word & 3) == Operation.ControlTag)
            {
                RunControl(thread, new Operation(word), until);
            }
            else
            {
                RunMiss(thread, word, userMode: true);
            }

            _dueAt = long.MaxValue;
        }
        while (_clock < until && State == CoreState.Running && ReferenceEquals(_thread, thread));
    }

    /// <summary>What the MMU can do in one go.</summary>
    private void RunPlain(SimThread thread, long until)
    {
        AccessRun run = new() { Position = thread.Position, Clock = _clock };
        if (_watch is { } watch)
        {
            Mmu.Run(thread.Buffer, thread.Length, until, _accessCycles, ref run, new CheckedAccesses(watch, thread.Space.Value, _tag));
        }
        else
        {
            Mmu.Run(thread.Buffer, thread.Length, until, _accessCycles, ref run, default(Unwatched));
        }

        if (run.SecondLevelHits + run.Walks > 0)
        {
            thread.FaultsInARow = 0;
            Counters[CoreCounters.SecondLevelHits] += run.SecondLevelHits;
            Counters[CoreCounters.Walks] += run.Walks;
            Counters[CoreCounters.WalkReferences] += run.Walks;
            Cycles[CoreCycles.Walk] += run.WalkCycles;
        }

        Cycles[CoreCycles.User] += run.Clock - _clock - run.WalkCycles;
        Counters[CoreCounters.Accesses] += run.Accesses;
        Counters[CoreCounters.FirstLevelHits] += run.Accesses - run.SecondLevelHits - run.Walks;
        thread.Accesses += run.Accesses;
        thread.Position = run.Position;
        _clock = run.Clock;
    }

    /// <summary>
    /// Accesses that hit the first-level TLB, one by one. Stops at the first operation that needs more, or at the limit. Counts in locals
    /// and adds them up once a stretch.
    /// </summary>
    private void RunHits(SimThread thread, long until)
    {
        ulong[] buffer = thread.Buffer;
        int position = thread.Position;
        int length = thread.Length;
        long clock = _clock;
        long accesses = 0;
        CoreMmu mmu = Mmu;
        long[] costs = _accessCycles;
        while (clock < until && position < length)
        {
            ulong word = buffer[position];
            uint kind = (uint)word & 3;
            if (kind == Operation.ControlTag)
            {
                break;
            }

            ulong address = word & Operation.PageMask;
            long count = (long)((word >> 2) & 0x3FF) + 1;
            long cost = costs[kind];
            if (!mmu.TryHit((AccessKind)kind, address))
            {
                break;
            }

            if (count == 1)
            {
                _watch?.OnAccess(clock, thread.Space.Value, _tag, (AccessKind)kind, address);
                clock += cost;
                accesses++;
                position++;
                continue;
            }

            long room = cost == 1 ? until - clock : (until - clock + cost - 1) / cost;
            if (room < count)
            {
                buffer[position] = Operation.Access((AccessKind)kind, word, (int)(count - room));
                count = room;
            }
            else
            {
                position++;
            }

            _watch?.OnAccess(clock + ((count - 1) * cost), thread.Space.Value, _tag, (AccessKind)kind, address);
            clock += count * cost;
            accesses += count;
        }

        Cycles[CoreCycles.User] += clock - _clock;
        Counters[CoreCounters.Accesses] += accesses;
        Counters[CoreCounters.FirstLevelHits] += accesses;
        thread.Accesses += accesses;
        thread.Position = position;
        _clock = clock;
    }

    /// <summary>One access that misses the first level or may fault; the rest of its run stays for the hot loop.</summary>
    private void RunMiss(SimThread thread, ulong word, bool userMode)
    {
        AccessKind kind = (AccessKind)(word & 3);
        ulong address = word & Operation.PageMask;
        _dueAt = _clock;
        TranslationResult translation = userMode
            ? Mmu.TranslateMissed(kind, address, _clock)
            : Mmu.TranslateAsKernel(_kernelTag, kind, address, _clock);
        Cycles[CoreCycles.Walk] += translation.Cycles;
        long began = _clock;
        _clock += translation.Cycles;
        if (translation.BitsSet != PageFlags.None)
        {
            Cycles[CoreCycles.Walk] += _bitsCycles;
            _clock += _bitsCycles;
            Counters[CoreCounters.AccessedDirtyHandlers] += _handlerSetsBits ? 1 : 0;
            AccessedDirty notice = new(new VirtAddr(address), translation.BitsSet, IsPrompt: _primes);
            Send(SimMessage.Of(notice), thread.Space, (_primes ? began : _clock) + _delays.Notice.Value);
        }

        CountTranslation(translation);
        if (translation.Outcome == TranslationOutcome.HostFault)
        {
            RaiseHostFault(thread, translation.Frame, address, kind, began);
            return;
        }

        bool faulted = translation.Outcome is TranslationOutcome.NotPresentFault or TranslationOutcome.ProtectionFault;
        if (!faulted && _watch is { } watch)
        {
            if (translation.Outcome == TranslationOutcome.Walked)
            {
                watch.OnWalk(began, thread.Space.Value, address);
            }

            TellAccess(watch, began, thread.Space, kind, address, userMode);
        }

        if (_tellsTranslations)
        {
            TellTranslation(thread, kind, address, faulted, translation);
        }

        if (faulted)
        {
            RaiseFault(thread, kind, address, userMode, began);
            return;
        }

        thread.FaultsInARow = 0;
        long cost = _accessCycles[(int)kind];
        _clock += cost;
        Cycles[CoreCycles.User] += cost;
        Counters[CoreCounters.Accesses]++;
        Counters[CoreCounters.FirstLevelHits] += translation.Outcome == TranslationOutcome.L1Hit ? 1 : 0;
        thread.Accesses++;
        int count = (int)((word >> 2) & 0x3FF) + 1;
        if (userMode && count > 1)
        {
            thread.Buffer[thread.Position] = Operation.Access(kind, word, count - 1);
        }
        else
        {
            thread.Position++;
        }
    }

    /// <summary>
    /// Tells the shootdown protocol what a translation that missed the first level has done, and takes the time that this takes.
    /// </summary>
    private void TellTranslation(SimThread thread, AccessKind kind, ulong address, bool faulted, in TranslationResult translation)
    {
        long cycles = 0;
        if (faulted || translation.Outcome == TranslationOutcome.Walked)
        {
            cycles += _shootdown.OnWalk(
                new PageWalk(thread.Space, new VirtAddr(address), kind, faulted, translation.Size, translation.BitsSet)).Value;
        }

        TakeEvents(cycles);
    }

    /// <summary>Tells the shootdown protocol what the TLBs have filled and dropped, and takes the time of that and some more.</summary>
    private void TakeEvents(long cycles)
    {
        foreach ((TlbEntry entry, bool evicted) in Mmu.TakeEvents())
        {
            cycles += (evicted ? _shootdown.OnEvict(entry) : _shootdown.OnFill(entry)).Value;
        }

        Cycles[CoreCycles.Walk] += cycles;
        _clock += cycles;
    }

    private void CountTranslation(in TranslationResult translation)
    {
        switch (translation.Outcome)
        {
            case TranslationOutcome.L1Hit:
                break;
            case TranslationOutcome.StlbHit:
                Counters[CoreCounters.SecondLevelHits]++;
                break;
            default:
                Counters[CoreCounters.Walks]++;
                Counters[CoreCounters.WalkReferences] += translation.References;
                break;
        }
    }

    private void RaiseFault(SimThread thread, AccessKind kind, ulong address, bool userMode, long began)
    {
        CountInARow(thread, kind, address);
        thread.Faults++;
        PageFault fault = new(thread.Id, new VirtAddr(address), kind, IsKernel: !userMode, _shootdown.TrapWord(thread.Space));
        EnterKernel(thread, TrapKind.Fault, SimMessage.Of(fault), _delays.Trap.Value);
        thread.TrapBegan = began;
        thread.FaultAccess = kind;
    }

    private void CountInARow(SimThread thread, AccessKind kind, ulong address)
    {
        // What is primed hits, and hits do not say that an access got past its fault.
        if (_primes && thread.FaultAddress.Value != address)
        {
            thread.FaultsInARow = 0;
        }

        thread.FaultAddress = new VirtAddr(address);
        if (++thread.FaultsInARow > FaultsInARowMax)
        {
            throw new InvalidOperationException(
                $"thread {thread.Id} ({thread.Name}) faulted {FaultsInARowMax} times on {new VirtAddr(address)} ({kind}) without "
                    + $"getting past it");
        }
    }

    /// <summary>Passes accesses on to the checker.</summary>
    private readonly struct CheckedAccesses(CoreChecker checker, int space, Asid tag) : IAccessWatch
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void OnWalk(Cycles time, ulong address) => checker.OnWalk(time.Value, space, address);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void OnAccess(Cycles time, AccessKind kind, ulong address) => checker.OnAccess(time.Value, space, tag, kind, address);
    }
}
