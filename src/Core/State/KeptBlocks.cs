using System.Runtime.InteropServices;

namespace VmSim.Core.State;

/// <summary>
/// Native memory that a thread keeps when blocks are disposed of, and hands out again to blocks of the same size. For whoever makes
/// thousands of small worlds a second, one after another: each of them takes a megabyte for table pages and touches a few, and asking the
/// host for it costs more than the world does.
/// </summary>
/// <remarks>While the object lives, it serves the thread that made it, and no other.</remarks>
internal sealed unsafe class KeptBlocks : IDisposable
{
    [ThreadStatic]
    private static KeptBlocks? s_ofThread;

    private readonly Dictionary<nuint, Stack<nint>> _free = [];

    /// <summary>Blocks that are disposed of on this thread are kept from now on.</summary>
    /// <exception cref="InvalidOperationException">They are already.</exception>
    public KeptBlocks() =>
        s_ofThread = s_ofThread is null ? this : throw new InvalidOperationException("the thread keeps its blocks already");

    /// <inheritdoc/>
    public void Dispose()
    {
        s_ofThread = null;
        foreach (nint allocation in _free.Values.SelectMany(stack => stack))
        {
            NativeMemory.Free((void*)allocation);
        }

        _free.Clear();
    }

    /// <summary>Takes zeroed memory of a size, kept or new.</summary>
    public static void* Take(nuint bytes) =>
        s_ofThread is { } kept && kept._free.TryGetValue(bytes, out Stack<nint>? stack) && stack.TryPop(out nint allocation)
            ? (void*)allocation
            : NativeMemory.AllocZeroed(bytes);

    /// <summary>Gives memory back.</summary>
    /// <param name="allocation">The memory; null for none.</param>
    /// <param name="bytes">Its size.</param>
    /// <param name="written">Bytes from its beginning that may be other than 0.</param>
    public static void GiveBack(void* allocation, nuint bytes, nuint written)
    {
        if (s_ofThread is not { } kept || allocation is null)
        {
            NativeMemory.Free(allocation);
            return;
        }

        NativeMemory.Clear(allocation, nuint.Min(bytes, written));
        if (!kept._free.TryGetValue(bytes, out Stack<nint>? stack))
        {
            kept._free.Add(bytes, stack = []);
        }

        stack.Push((nint)allocation);
    }
}
