using VmSim.Core.Addresses;

namespace VmSim.Core.Mmu;

/// <summary>
/// Hears of the accesses that <see cref="CoreMmu.Run"/> makes. A struct, so that the loop is compiled for each kind and one that does
/// nothing costs nothing.
/// </summary>
public interface IAccessWatch
{
    /// <summary>An access has walked, and its translation is in the TLBs now.</summary>
    /// <param name="time">Virtual time at which the access began: that as of which the walk read the table.</param>
    /// <param name="address">Any address of the page.</param>
    void OnWalk(Cycles time, ulong address);

    /// <summary>An access, or a run of references to one page, was translated, and <see cref="CoreMmu.PeekUsed"/> tells by what.</summary>
    /// <param name="time">
    /// Virtual time at which the last reference began. It lies before the reference's own walk, at what was known when the walk
    /// read the table, and is the same however a run is cut.
    /// </param>
    /// <param name="kind">What the access does.</param>
    /// <param name="address">Any address of the page.</param>
    void OnAccess(Cycles time, AccessKind kind, ulong address);
}

/// <summary>A watch that hears nothing and costs nothing.</summary>
public readonly struct Unwatched : IAccessWatch
{
    /// <inheritdoc/>
    public void OnWalk(Cycles time, ulong address)
    {
    }

    /// <inheritdoc/>
    public void OnAccess(Cycles time, AccessKind kind, ulong address)
    {
    }
}
