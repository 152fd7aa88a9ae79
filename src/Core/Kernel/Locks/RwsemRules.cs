using VmSim.Core.Machine;

namespace VmSim.Core.Kernel.Locks;

/// <summary>What holds for a read/write semaphore in one kernel on one machine.</summary>
/// <param name="CyclesPerMicrosecond">Cycles of a microsecond, above 0.</param>
/// <param name="ReadersSpin">Whether readers spin as writers do (<see cref="KernelProfile.ReaderSpinning"/>).</param>
/// <param name="Sleeps">Whether who waits ever sleeps; no if it holds no core while it waits.</param>
internal readonly record struct RwsemRules(double CyclesPerMicrosecond, bool ReadersSpin, bool Sleeps)
{
    /// <summary>Time after which the one that waits longest has the lock kept for it (RWSEM_WAIT_TIMEOUT: HZ / 250).</summary>
    private const double HandoffMicroseconds = 4_000;

    /// <summary>Most readers that make a writer spin longer (rwsem_rspin_threshold).</summary>
    private const int ReadersMax = 30;

    /// <summary>
    /// Rounds after which a spinner looks at the clock (rwsem_optimistic_spin), and what one takes: the latency of PAUSE, in cycles (Intel
    /// 64 and IA-32 Architectures Optimization Reference Manual, Skylake's).
    /// </summary>
    private const long RoundsOfLook = 16;
    private const long RoundCycles = 140;

    /// <summary>How long it takes a spinner to come to its next look at the clock, in cycles.</summary>
    public static long LookCycles => RoundsOfLook * RoundCycles;

    /// <summary>Waits longer than this end in a hand-off, in cycles.</summary>
    public long HandoffCycles => (long)(HandoffMicroseconds * CyclesPerMicrosecond);

    /// <summary>
    /// How long a writer spins while readers have the lock, in cycles: until it looks at the clock after 10 microseconds and half a one for
    /// each reader (rwsem_rspin_threshold).
    /// </summary>
    public long SpinCycles(int readers)
    {
        long limit = (long)((20 + Math.Min(readers, ReadersMax)) * CyclesPerMicrosecond / 2);
        return (limit / LookCycles * LookCycles) + LookCycles;
    }
}
