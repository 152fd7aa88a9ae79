using System.Runtime.InteropServices;
using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Shootdown;

/// <summary>
/// Lazy translation coherence (Kumar, Maass, Kashyap and others, LATR: Lazy Translation Coherence, ASPLOS 2018): an unmap writes down what
/// died in a ring of lazy states and returns; every core sweeps the states at its timer tick and at context switches; frames, table pages
/// and addresses come back after two ticks. Whatever is not an unmap, and an unmap whose ring is full, interrupts as
/// <see cref="LinuxProtocol"/> does.
/// </summary>
/// <remarks>
/// The paper's ring belongs to the initiator's core; here each space has one of <see cref="RingStates"/> for each core, because a space
/// cannot know at once what another has written. The two ticks are a least time: what died is given back when they are over and every core
/// that was told has also swept.
/// </remarks>
public sealed partial class LatrProtocol : IShootdownProtocol
{
    /// <summary>Lazy states that a core can have waiting in a space (LATR, section 4.1).</summary>
    public const int RingStates = 64;

    /// <summary>
    /// Ticks after which what died may be reused (LATR, section 4.2: ticks of cores are not synchronised, so one is not enough).
    /// </summary>
    private const int TicksUntilReuse = 2;

    /// <summary>The message by which a core hears of a lazy state.</summary>
    private const int StateWritten = 0;

    /// <summary>The message by which a core clears its bits.</summary>
    private const int BitsCleared = 1;

    /// <inheritdoc/>
    public string Name => "latr";

    /// <inheritdoc/>
    public string Summary =>
        "unmaps leave a lazy state that cores sweep at ticks and switches, memory comes back after two ticks; else as linux (LATR, "
            + "ASPLOS 2018)";

    /// <inheritdoc/>
    public IReadOnlyList<ProtocolMessage> Messages(MachineSpec machine, KernelProfile kernel)
    {
        Delays basic = new(machine, kernel);
        return [
            new("lazy state", MessageDirection.SpaceToCore, basic.SpaceToCore),
            new("bits cleared", MessageDirection.CoreToSpace, basic.Notice),
        ];
    }

    /// <inheritdoc/>
    public Cycles AllowedStaleness(MachineSpec machine, KernelProfile kernel)
    {
        ArgumentNullException.ThrowIfNull(machine);
        ArgumentNullException.ThrowIfNull(kernel);
        long way = kernel.ServiceCycles + Math.Max(
            kernel.TrapReturnCycles, Math.Max(machine.LineTransferRemoteCycles, machine.LineTransferCycles));
        return (TicksUntilReuse * kernel.TickCycles) + way;
    }

    /// <inheritdoc/>
    public IsolationKind Isolation => IsolationKind.Tagged;

    /// <inheritdoc/>
    public SpaceShootdown CreateSpaceHalf(ISpaceShootdownContext context) => new SpaceHalf(context);

    /// <inheritdoc/>
    public CoreShootdown CreateCoreHalf(ICoreShootdownContext context) => new CoreHalf(context);

    /// <summary>The generation that a space reaches with a shootdown: it has 1 before the first.</summary>
    private static long GenerationOf(long shootdown) => shootdown + 1;

    private static long ShootdownOf(long generation) => generation - 1;

    /// <summary>A lazy state as a core is told of it.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private readonly record struct QueuedState(long Generation, InvalidationScope Scope, CoreId Initiator);

    /// <summary>A core says up to which generation it has invalidated.</summary>
    private readonly record struct ClearedBits(long Generation);
}
