namespace VmSim.Core.Memory.Backends;

/// <summary>
/// A file, private or shared. Reads map the page-cache page and those around it. A store to a private page makes a copy, a store to a
/// shared page makes it dirty. Pages past the file's end are bus errors.
/// </summary>
public sealed class FileBackend : ObjectBackend
{
    /// <summary>Backs a mapping of a file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="delta">Byte offset in the file less the virtual address, modulo 2^64; a multiple of 4 KiB.</param>
    /// <param name="isPrivate">Whether the first store to a page makes a private copy.</param>
    public FileBackend(MemoryObject file, ulong delta, bool isPrivate)
        : base(new Backing(file, delta, isPrivate, IsOutside: false))
    {
    }

    /// <inheritdoc/>
    public override string Name => Backing.IsPrivate ? "file-private" : "file-shared";

    /// <inheritdoc/>
    public override MemoryBackend MovedBy(ulong distance) =>
        new FileBackend(Source, unchecked(Backing.Delta - distance), Backing.IsPrivate);
}
