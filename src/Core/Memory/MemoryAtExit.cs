namespace VmSim.Core.Memory;

/// <summary>What a process had in memory when it ended: its page table and its frames are gone afterwards.</summary>
/// <param name="Areas">Its areas by rising address, as reports show them.</param>
/// <param name="Resident">Its mapped pages by what they held.</param>
/// <param name="TablePages">Its table pages, the root among them.</param>
public sealed record MemoryAtExit(IReadOnlyList<AreaInfo> Areas, ResidentPages Resident, int TablePages);
