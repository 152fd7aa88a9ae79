using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VmSim.Core.State;

namespace VmSim.Core.VirtualTime;

/// <summary>
/// What a message of the shootdown protocol's own carries: its kind, and up to 32 bytes that only the protocol understands.
/// </summary>
/// <param name="Kind">Its kind: the place in the list of kinds that the protocol declares (<see cref="ProtocolMessage"/>).</param>
/// <remarks>
/// A protocol declares a structure for what it sends, and needs no packing:
/// <code>
/// [StructLayout(LayoutKind.Sequential, Pack = 1)]
/// private readonly record struct LazyState(long Generation, InvalidationScope Scope, CoreId Initiator);
///
/// context.SendProtocol(core, delay, ProtocolPayload.Of(StateWritten, new LazyState(...)));
/// LazyState state = payload.As&lt;LazyState&gt;();
/// </code>
/// </remarks>
public readonly record struct ProtocolPayload(int Kind)
{
    /// <summary>The most bytes that a protocol's structure may have.</summary>
    public const int BytesMax = 32;

    /// <summary>
    /// Whether it stands for what hardware has done within its delay, on which somebody relies who waits no longer: no schedule lets it
    /// come later.
    /// </summary>
    public bool IsPrompt { get; init; }

    /// <summary>The bytes, as numbers of a message.</summary>
    internal ProtocolWords Words { get; init; }

    /// <summary>A payload with a value.</summary>
    /// <typeparam name="T">
    /// A structure of plain numbers, of at most <see cref="BytesMax"/> bytes and without bytes between its fields: what stood there would
    /// be anything, and a checkpoint is the same byte for byte. <c>[StructLayout(LayoutKind.Sequential, Pack = 1)]</c> leaves none.
    /// </typeparam>
    /// <param name="kind">Its kind.</param>
    /// <param name="value">The value.</param>
    /// <exception cref="InvalidOperationException">The structure is too large, or has bytes between its fields.</exception>
    public static ProtocolPayload Of<T>(int kind, in T value)
        where T : unmanaged
    {
        Layout<T>.Check();
        ProtocolWords words = default;
        Unsafe.WriteUnaligned(ref Unsafe.As<ProtocolWords, byte>(ref words), value);
        return new ProtocolPayload(kind) { Words = words };
    }

    /// <summary>The value.</summary>
    /// <typeparam name="T">The structure that it was made of; of another one, the fields mean nothing.</typeparam>
    public T As<T>()
        where T : unmanaged
    {
        Layout<T>.Check();
        ProtocolWords words = Words;
        return Unsafe.ReadUnaligned<T>(ref Unsafe.As<ProtocolWords, byte>(ref words));
    }

    private static class Layout<T>
        where T : unmanaged
    {
        private static readonly bool IsDense = PlainLayout.DenseBytes(typeof(T)) == Unsafe.SizeOf<T>();

        public static void Check()
        {
            if (!IsDense || Unsafe.SizeOf<T>() > BytesMax)
            {
                throw new InvalidOperationException(
                    $"{typeof(T).Name} has {Unsafe.SizeOf<T>()} bytes, {PlainLayout.DenseBytes(typeof(T))} of them in fields; a "
                        + $"protocol's message may have {BytesMax}, "
                    + "all in fields: give it [StructLayout(LayoutKind.Sequential, Pack = 1)]");
            }
        }
    }
}

/// <summary>The bytes of a payload, as they stand in a message.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct ProtocolWords(long First, long Second, long Third, long Fourth);
