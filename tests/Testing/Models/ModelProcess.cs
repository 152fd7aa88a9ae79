using VmSim.Core.Addresses;
using VmSim.Core.Memory;
using VmSim.Core.Programs;

namespace VmSim.Testing.Models;

/// <summary>A page of the naive model: one entry a mapped page, with what a program would read there.</summary>
internal sealed record ModelPage
{
    public Protection Rights { get; init; }

    public bool Shared { get; init; }

    public bool Guard { get; init; }

    /// <summary>The physical page of a device or linear mapping; null for memory of the pool.</summary>
    public PhysAddr? Outside { get; init; }

    public MemoryObject? Source { get; init; }

    public ulong SourcePage { get; init; }

    /// <summary>A page of a guard region (MADV_GUARD_INSTALL).</summary>
    public bool Guarded { get; init; }

    public bool Locked { get; init; }

    /// <summary>A page that can be neither unmapped, moved nor protected (mseal).</summary>
    public bool Sealed { get; init; }

    public bool NotForked { get; init; }

    public bool Wiped { get; init; }

    /// <summary>What the page holds for this process alone; null while it reads through to the object.</summary>
    public long? Private { get; init; }
}

/// <summary>A process of the model beside the space under test.</summary>
internal sealed class ModelProcess(VirtualMemory memory)
{
    public VirtualMemory Memory { get; } = memory;

    public SortedDictionary<ulong, ModelPage> Pages { get; } = [];
}
