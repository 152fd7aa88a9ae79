using System.Runtime.InteropServices;

namespace VmSim.Core.State;

/// <summary>
/// Native memory with one owner. Disposing of it again is harmless, and memory that nobody disposed of is freed by the finalizer.
/// </summary>
/// <remarks>
/// State lies in native memory where arrays of the runtime will not do. They cannot be aligned to a line or page, and are cleared, and so
/// touched, when they are made. The owner keeps pointers into the block beside it: reading one through the block would cost the hot loop a
/// load.
/// </remarks>
public sealed unsafe class NativeBlock : IDisposable
{
    private readonly nuint _alignment;
    private void* _allocation;

    /// <summary>Takes zeroed memory. What is never touched takes no memory of the host.</summary>
    /// <param name="bytes">How much.</param>
    /// <param name="alignment">A power of two; the block begins at a multiple of it.</param>
    /// <exception cref="ArgumentOutOfRangeException">The alignment is no power of two.</exception>
    /// <exception cref="OutOfMemoryException">The host has none left.</exception>
    public NativeBlock(nuint bytes, nuint alignment)
    {
        if (!nuint.IsPow2(alignment))
        {
            throw new ArgumentOutOfRangeException(nameof(alignment), alignment, "an alignment is a power of two");
        }

        Bytes = bytes;
        _allocation = KeptBlocks.Take(checked(bytes + alignment - 1));
        _alignment = alignment;
        Start = (byte*)(((nuint)_allocation + alignment - 1) & ~(alignment - 1));
    }

    /// <summary>Frees the memory if nobody did.</summary>
    ~NativeBlock() => NativeMemory.Free(_allocation);

    /// <summary>Size of the block in bytes, as it was asked for.</summary>
    public nuint Bytes { get; }

    /// <summary>The first byte; null after <see cref="Dispose"/>.</summary>
    public byte* Start { get; private set; }

    /// <summary>All of it, for reading and writing state.</summary>
    /// <exception cref="OverflowException">It has 2 GiB or more.</exception>
    public Span<byte> Span => new(Start, Start is null ? 0 : checked((int)Bytes));

    /// <summary>Frees the memory; pointers into it are of no use any more.</summary>
    public void Dispose() => DisposeWritten(Bytes);

    /// <summary>Frees the memory; pointers into it are of no use any more.</summary>
    /// <param name="written">Bytes from its beginning that may be other than 0: the rest need not be cleared for the next owner.</param>
    internal void DisposeWritten(nuint written)
    {
        KeptBlocks.GiveBack(_allocation, Bytes + _alignment - 1, (nuint)(Start - (byte*)_allocation) + written);
        _allocation = null;
        Start = null;
        GC.SuppressFinalize(this);
    }
}
