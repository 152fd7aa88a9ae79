namespace VmSim.Core.Memory.Backends;

/// <summary>
/// A shared object without a file. Its pages begin as zeros and get their frame at the first touch by any space. They are the same in every
/// space and at every address that maps them.
/// </summary>
public sealed class SharedBackend : ObjectBackend
{
    /// <summary>Backs a mapping of a shared object.</summary>
    /// <param name="source">The object.</param>
    /// <param name="delta">Byte offset in the object less the virtual address, modulo 2^64; a multiple of 4 KiB.</param>
    public SharedBackend(MemoryObject source, ulong delta)
        : base(new Backing(source, delta, IsPrivate: false, IsOutside: false))
    {
    }

    /// <inheritdoc/>
    public override string Name => "shared";

    /// <inheritdoc/>
    public override MemoryBackend MovedBy(ulong distance) => new SharedBackend(Source, unchecked(Backing.Delta - distance));
}
