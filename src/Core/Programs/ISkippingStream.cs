using VmSim.Core.Addresses;

namespace VmSim.Core.Programs;

/// <summary>
/// A stream that can go over accesses without making them, at less cost than by reading them. What is read afterwards is what would have
/// been read there.
/// </summary>
public interface ISkippingStream : IOperationStream
{
    /// <summary>The pages of the accesses that can be skipped; the same as long as the stream lasts.</summary>
    SkippedPages Pages { get; }

    /// <summary>
    /// How many accesses can be skipped from here on: they go to <see cref="Pages"/>, and no other operation stands between them. 0 where
    /// the stream cannot tell.
    /// </summary>
    long Skippable { get; }

    /// <summary>Goes over operations.</summary>
    /// <param name="accesses">Accesses to skip, at most <see cref="Skippable"/>.</param>
    /// <param name="operations">How many operations were skipped.</param>
    /// <returns>
    /// How many accesses were skipped: as many as were asked for, less those that belong to an operation that reaches farther, which is
    /// read next.
    /// </returns>
    long Skip(long accesses, out long operations);
}

/// <summary>The pages that skipped accesses go to, by number from 0.</summary>
/// <param name="Count">How many there are.</param>
/// <param name="Loads">Whether there may be loads among the accesses.</param>
/// <param name="Stores">Whether there may be stores among them.</param>
/// <param name="AddressOf">The address of a page's first byte, by its number.</param>
/// <param name="Start">An address at or below all of them.</param>
/// <param name="End">An address above all of them.</param>
public sealed record SkippedPages(
    long Count, bool Loads, bool Stores, Func<long, ulong> AddressOf, VirtAddr Start, VirtAddr End)
{
    /// <summary>Whether they are all pages from <see cref="Start"/> on, in this order: as many as fit before <see cref="End"/>.</summary>
    public bool AreInOrder => (ulong)Count == (End.Value - Start.Value) >> PageSizes.BaseShift;

    /// <summary>No pages, of a stream that cannot be skipped.</summary>
    public static SkippedPages None { get; } = new(0, Loads: false, Stores: false, _ => 0, default, default);
}
