using VmSim.Core.Addresses;
using VmSim.Core.Programs;
using VmSim.Core.Shootdown;

namespace VmSim.Core.Engine;

/// <content>Threads whose accesses are sampled (<see cref="ThreadSampling"/>).</content>
public sealed partial class CoreModel
{
    /// <summary>Accesses below which going over a block of a stream costs more than going over them one by one; calibrated.</summary>
    private const long BlockLeast = 1_024;

    /// <summary>Accesses behind which another page is looked at, so that looking costs less than they do; calibrated.</summary>
    private const long AccessesPerLook = 1;

    /// <summary>What is known of the page table; null without sampling.</summary>
    private readonly MappedPages? _mapped;

    /// <summary>Runs a thread as <see cref="RunThread"/> does, and goes over accesses between samples.</summary>
    private void RunSampled(SimThread thread, ThreadSampling sampling, long until)
    {
        do
        {
            if (sampling.IsLate)
            {
                BookOwed(sampling, until - _clock);
                continue;
            }

            if (sampling.BlockLength > 0)
            {
                GoOverBlock(thread, sampling, until);
                continue;
            }

            if (thread.Position == thread.Length)
            {
                if (sampling.Phase == SamplePhase.Skip && thread.FaultsInARow == 0 && TryBeginBlock(thread, sampling))
                {
                    continue;
                }

                sampling.StopAt = -1;
                if (!thread.Refill())
                {
                    ExitThread(thread);
                    return;
                }
            }

            if (sampling.Phase != SamplePhase.Skip && sampling.StopAt <= thread.Position)
            {
                sampling.StopAt = StopIn(thread, sampling);
            }

            ulong word = thread.Buffer[thread.Position];
            if ((word & 3) == Operation.ControlTag)
            {
                RunControl(thread, new Operation(word), until);
            }
            else if (thread.FaultsInARow > 0)
            {
                RunExactly(thread, sampling, word);
            }
            else if (sampling.Phase == SamplePhase.Skip)
            {
                GoOver(thread, sampling, until);
            }
            else
            {
                RunInDetail(thread, sampling, until);
            }

            _dueAt = long.MaxValue;
        }
        while (_clock < until && State == CoreState.Running && ReferenceEquals(_thread, thread));
    }

    /// <summary>Accesses of a warm-up or a sample, in the same loops as without sampling.</summary>
    private void RunInDetail(SimThread thread, ThreadSampling sampling, long until)
    {
        SampleCounts before = SampleCounts.Of(Counters, Cycles);
        int length = thread.Length;
        int stop = sampling.StopAt;
        thread.Length = stop;
        if (Mmu.CanRun)
        {
            RunPlain(thread, until);
        }

        RunHits(thread, until);
        thread.Length = length;
        bool isExact = false;
        if (_clock < until && thread.Position < stop && thread.Buffer[thread.Position] is ulong word
            && (word & 3) != Operation.ControlTag)
        {
            // What faults, or sets bits of its entry, does so in every phase.
            CountSample(thread, sampling, before, isExact: false);
            before = SampleCounts.Of(Counters, Cycles);
            int sent = Outbox.Count;
            RunMiss(thread, word, userMode: true);
            isExact = Outbox.Count != sent;
        }

        CountSample(thread, sampling, before, isExact);
    }

    /// <summary>One access that is simulated in every phase.</summary>
    private void RunExactly(SimThread thread, ThreadSampling sampling, ulong word)
    {
        SampleCounts before = SampleCounts.Of(Counters, Cycles);
        long clock = _clock;
        RunHits(thread, clock + 1);
        if (_clock == clock)
        {
            RunMiss(thread, word, userMode: true);
        }

        CountSample(thread, sampling, before, isExact: true);
    }

    private void CountSample(SimThread thread, ThreadSampling sampling, in SampleCounts before, bool isExact)
    {
        _losses.Flush();
        sampling.Count(SampleCounts.Of(Counters, Cycles).Since(before), isExact, _warm);
        EndPhase(thread, sampling);
    }

    /// <summary>
    /// Goes over to the next phase where one ends. Those that are simulated end with an operation, wherever a window may have cut it.
    /// </summary>
    private void EndPhase(SimThread thread, ThreadSampling sampling)
    {
        while (sampling.Accesses >= sampling.PhaseEnd && (sampling.Phase == SamplePhase.Skip || thread.Position >= sampling.StopAt))
        {
            sampling.NextPhase(_warm);
            BookOwed(sampling, mostCycles: 0);
        }
    }

    /// <summary>Index behind the operation with which the phase ends, or the end of the block of operations.</summary>
    private static int StopIn(SimThread thread, ThreadSampling sampling)
    {
        long left = sampling.PhaseEnd - sampling.Accesses;
        int stop = thread.Position;
        do
        {
            Operation operation = new(thread.Buffer[stop]);
            left -= operation.IsControl ? 0 : operation.Count;
            stop++;
        }
        while (stop < thread.Length && left > 0);
        return stop;
    }

    /// <summary>Goes over the accesses of the thread's block of operations that need nothing of the kernel and set no bits.</summary>
    private void GoOver(SimThread thread, ThreadSampling sampling, long until)
    {
        long most = sampling.Within(until - _clock, sampling.PhaseEnd - sampling.Accesses);
        ulong[] buffer = thread.Buffer;
        int position = thread.Position;
        long done = 0;
        bool isReady = true;
        while (done < most && position < thread.Length)
        {
            ulong word = buffer[position];
            isReady = (word & 3) != Operation.ControlTag && IsReady(sampling, (AccessKind)(word & 3), word & Operation.PageMask, done);
            if (!isReady)
            {
                break;
            }

            long count = (long)((word >> 2) & 0x3FF) + 1;
            long taken = Math.Min(count, most - done);
            if (taken < count)
            {
                buffer[position] = Operation.Access((AccessKind)(word & 3), word, (int)(count - taken));
            }
            else
            {
                position++;
            }

            done += taken;
        }

        thread.Position = position;
        if (done > 0)
        {
            Book(thread, sampling, done);
        }
        else if (!isReady && thread.Buffer[position] is ulong word && (word & 3) != Operation.ControlTag)
        {
            RunExactly(thread, sampling, word);
        }
    }

    /// <summary>
    /// Whether an access needs nothing of the kernel and sets no bits. What is not known is read as of the time at which the access begins,
    /// so that it does not matter how many before it are gone over together.
    /// </summary>
    private bool IsReady(ThreadSampling sampling, AccessKind kind, ulong page, long accessesBefore)
    {
        if (_mapped!.Knows(kind, page))
        {
            return true;
        }

        long time = _clock + sampling.TimeOf(accessesBefore);
        _dueAt = time;
        _mapped.Begin(_table!, time);
        return _mapped.Find(kind, page);
    }

    /// <summary>Lets a thread go over accesses that its stream need not make, if all pages that they may go to are mapped.</summary>
    private bool TryBeginBlock(SimThread thread, ThreadSampling sampling)
    {
        if (thread.Skipping is not { } stream)
        {
            return false;
        }

        long accesses = Math.Min(stream.Skippable, sampling.PhaseEnd - sampling.Accesses);
        if (accesses < BlockLeast || !AreReady(sampling, stream.Pages))
        {
            return false;
        }

        sampling.BeginBlock(accesses);
        return true;
    }

    /// <summary>Whether all of a stream's pages are mapped, and their entries have the bits that accesses set.</summary>
    private bool AreReady(ThreadSampling sampling, SkippedPages pages)
    {
        long page = sampling.ReadyPages;
        if (page == pages.Count || sampling.Accesses < sampling.NextLook)
        {
            return page == pages.Count;
        }

        _dueAt = _clock;
        _mapped!.Begin(_table!, _clock);
        sampling.LookAt(pages);
        for (; page < pages.Count; page++)
        {
            ulong address = pages.AddressOf(page);
            if ((pages.Loads && !_mapped.Reads(AccessKind.Load, address)) || (pages.Stores && !_mapped.Reads(AccessKind.Store, address)))
            {
                break;
            }
        }

        sampling.NextLook = sampling.Accesses + (AccessesPerLook * (page - sampling.ReadyPages));
        sampling.ReadyPages = page;
        _dueAt = long.MaxValue;
        return page == pages.Count;
    }

    private void GoOverBlock(SimThread thread, ThreadSampling sampling, long until)
    {
        if (!sampling.IsStale)
        {
            long left = sampling.BlockLength - sampling.BlockDone;
            Book(thread, sampling, sampling.Within(until - _clock, left), endsPhase: false);
        }

        if (sampling.IsStale || sampling.BlockDone == sampling.BlockLength)
        {
            long done = sampling.BlockDone;
            sampling.EndBlock();
            thread.SkipAccesses(done);
            EndPhase(thread, sampling);
        }
    }

    private void Book(SimThread thread, ThreadSampling sampling, long accesses, bool endsPhase = true)
    {
        Book(sampling.Skip(accesses, _warm));
        thread.Accesses += accesses;
        if (endsPhase)
        {
            EndPhase(thread, sampling);
        }
    }

    /// <summary>What a sample has shown to have been booked too much or too little: time only passes, and may be interrupted.</summary>
    private void BookOwed(ThreadSampling sampling, long mostCycles) => Book(sampling.TakeOwed(mostCycles));

    private void Book(in SampleCounts booked)
    {
        Counters[CoreCounters.Accesses] += booked.Accesses;
        Counters[CoreCounters.SecondLevelHits] += booked[SampledMetric.SecondLevelHits];
        Counters[CoreCounters.Walks] += booked[SampledMetric.Walks];
        Counters[CoreCounters.WalkReferences] += booked[SampledMetric.WalkReferences];
        Counters[CoreCounters.RefillMisses] += booked[SampledMetric.RefillMisses];
        Counters[CoreCounters.FirstLevelHits] += booked.Accesses - booked[SampledMetric.SecondLevelHits] - booked[SampledMetric.Walks];
        Cycles[CoreCycles.User] += booked[SampledMetric.UserCycles];
        Cycles[CoreCycles.Walk] += booked[SampledMetric.WalkCycles];
        _clock += booked[SampledMetric.Cycles];
    }

    /// <summary>Translations of a space have died: what was known of its page table holds no longer.</summary>
    private void ForgetMapped(SpaceId space, DeadRange dead)
    {
        if (_thread is { Sampling: { } sampling } thread && thread.Space == space)
        {
            _mapped!.Forget(dead);
            sampling.Forget(dead);
        }
    }

    /// <summary>
    /// When a core whose thread goes over a block does something that others could hear of, if no message comes before; null if its
    /// thread does not.
    /// </summary>
    private long? EndOfBlock =>
        _thread?.Sampling is { BlockLength: > 0, IsStale: false } sampling && !_entersUser
            ? Math.Min(
                Math.Max(_clock, Math.Min(_nextTick, _ready.Count > 0 ? _sliceEnd : long.MaxValue)),
                _clock + sampling.TimeOf(sampling.BlockLength - sampling.BlockDone))
            : null;
}
