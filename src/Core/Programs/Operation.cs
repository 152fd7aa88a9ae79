using System.Runtime.CompilerServices;
using VmSim.Core.Addresses;

namespace VmSim.Core.Programs;

/// <summary>What a control operation asks of its core.</summary>
public enum ControlKind : byte
{
    /// <summary>Computes without memory; argument: cycles at base speed, 0 to 2^56-1.</summary>
    Compute = 0,

    /// <summary>A system call; argument: index into <see cref="ThreadProgram.SystemCalls"/>.</summary>
    SystemCall = 1,

    /// <summary>Marks an event of the process as happened; argument: event number. Costs nothing and does not stop the thread.</summary>
    Signal = 2,

    /// <summary>Sleeps until an event of the process has happened; argument: event number.</summary>
    Wait = 3,

    /// <summary>The kernel reads a user page on the thread's behalf; argument: page number.</summary>
    KernelLoad = 4,

    /// <summary>The kernel writes a user page on the thread's behalf; argument: page number.</summary>
    KernelStore = 5,

    /// <summary>Makes thread number <c>argument</c> of the process runnable.</summary>
    StartThread = 6,

    /// <summary>Ends the thread. A stream that ends does the same.</summary>
    Exit = 7,

    /// <summary>Forks: starts process number <c>argument</c> of the program's children with a copy of the address space.</summary>
    Fork = 8,

    /// <summary>Waits at barrier number <c>argument</c> of the process until all its parties have come.</summary>
    Barrier = 9,

    /// <summary>Takes mutex number <c>argument</c> of the process, sleeping while another thread holds it.</summary>
    Lock = 10,

    /// <summary>Gives mutex number <c>argument</c> of the process back.</summary>
    Unlock = 11,

    /// <summary>Gives up the core for other runnable threads.</summary>
    Yield = 12,

    /// <summary>Moves the thread to core <c>argument</c>.</summary>
    Migrate = 13,

    /// <summary>The thread sleeps for a time; the argument is in cycles.</summary>
    Sleep = 14,

    /// <summary>
    /// Goes on only when an event of the process has happened; argument: event number. The recorded program did not wait here, only the
    /// order of its trace does. So the thread does not sleep: it keeps its core unless another thread can use it, and is interrupted
    /// there.
    /// </summary>
    Await = 15,

    /// <summary>
    /// Waits at barrier number <c>argument</c> of the process as <see cref="Barrier"/> does, but spins: the thread keeps its core in user
    /// mode unless another thread can use it, and is interrupted there. Both kinds may meet at one barrier.
    /// </summary>
    SpinBarrier = 16,
}

/// <summary>One operation of a thread in 64 bits, as cores read them from a buffer.</summary>
/// <remarks>
/// An access: bits 0-1 the <see cref="AccessKind"/>, bits 2-11 the number of collapsed references to the page less one, bits 12-63
/// the virtual address's upper bits (the page). A control operation: bits 0-1 are 3, bits 2-7 the <see cref="ControlKind"/>, bits
/// 8-63 its argument.
/// </remarks>
/// <param name="Word">The encoded operation.</param>
public readonly record struct Operation(ulong Word)
{
    /// <summary>The most references to one page that one operation can hold; longer runs take several operations.</summary>
    public const int MaxCount = 1024;

    /// <summary>The low two bits of a control operation.</summary>
    public const ulong ControlTag = 3;

    /// <summary>The bits of an access that hold the page's address.</summary>
    public const ulong PageMask = ~0xFFFUL;

    /// <summary>Whether this is a control operation and not an access.</summary>
    public bool IsControl => (Word & 3) == ControlTag;

    /// <summary>Of an access: what it does.</summary>
    public AccessKind Kind => (AccessKind)(Word & 3);

    /// <summary>Of an access: references to the page, 1 to <see cref="MaxCount"/>.</summary>
    public int Count => (int)((Word >> 2) & 0x3FF) + 1;

    /// <summary>Of an access: the address of the page's first byte.</summary>
    public ulong PageAddress => Word & PageMask;

    /// <summary>Of a control operation: what it asks.</summary>
    public ControlKind Control => (ControlKind)((Word >> 2) & 0x3F);

    /// <summary>Of a control operation: its argument.</summary>
    public ulong Argument => Word >> 8;

    /// <summary>Encodes an access to the page that holds <paramref name="address"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Access(AccessKind kind, ulong address, int count = 1) =>
        (address & PageMask) | ((ulong)(uint)(count - 1) << 2) | (ulong)kind;

    /// <summary>Encodes a control operation; <paramref name="argument"/> at most 2^56-1.</summary>
    public static ulong ControlWord(ControlKind kind, ulong argument = 0) => (argument << 8) | ((ulong)kind << 2) | ControlTag;
}
