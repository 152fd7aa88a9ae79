using VmSim.Core.Memory;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Statistics;

namespace VmSim.Core.Tests.Memory.Backends;

/// <summary>What <see cref="CountingBackend"/> counts.</summary>
public sealed class TouchCounters : CounterSet<TouchCounters>
{
    public static readonly Counter Touches = Declare("touches", "faults", "Faults that came to the backend.");
}

/// <summary>Anonymous memory that counts its faults.</summary>
[Counts<TouchCounters>]
public sealed class CountingBackend : MemoryBackend
{
    public override string Name => "counting";

    public override FaultKind HandleFault(in Fault fault, SpaceMemory memory)
    {
        CountersOf<TouchCounters>(memory)[TouchCounters.Touches]++;
        return fault.Entry.Mapped ? memory.WritePrivate(fault) : memory.TouchAnonymous(fault);
    }
}

/// <summary>A backend that does not say what it counts.</summary>
public sealed class SecretlyCountingBackend : MemoryBackend
{
    public override string Name => "secret";

    public override FaultKind HandleFault(in Fault fault, SpaceMemory memory)
    {
        CountersOf<TouchCounters>(memory)[TouchCounters.Touches]++;
        return memory.TouchAnonymous(fault);
    }
}
