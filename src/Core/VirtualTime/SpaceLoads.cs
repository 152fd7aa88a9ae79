using VmSim.Core.Addresses;

namespace VmSim.Core.VirtualTime;

/// <summary>A core asks for an address space.</summary>
/// <param name="Thread">The thread that it will run.</param>
public readonly record struct LoadRequest(ThreadId Thread);

/// <summary>What a core learns when it loads a space.</summary>
/// <param name="Tag">The space's TLB tag, if tags belong to spaces; 0 when the core chooses.</param>
/// <param name="Generation">The space's generation.</param>
/// <param name="Flush">
/// Whether the core flushes the tag before it uses it, because what it holds under the tag may be another space's or dead: a tag that is
/// given a second time, a roll-over. It costs what flushing a space costs, and counts as a full flush.
/// </param>
/// <param name="Table">The page table that the core walks.</param>
public readonly record struct LoadAnswer(Asid Tag = default, long Generation = 0, bool Flush = false, int Table = 0);

/// <summary>A space is loaded.</summary>
/// <param name="Thread">The thread that asked for it.</param>
/// <param name="Answer">What the core learns of the space.</param>
public readonly record struct SpaceLoaded(ThreadId Thread, LoadAnswer Answer);
