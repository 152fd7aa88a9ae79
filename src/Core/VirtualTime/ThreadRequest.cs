using System.Diagnostics;
using VmSim.Core.Addresses;

namespace VmSim.Core.VirtualTime;

/// <summary>What a thread asks of its process's other threads, or of the clock.</summary>
public readonly record struct ThreadRequest
{
    internal ThreadRequest(MessageKind kind, ThreadId thread, long argument = 0)
    {
        Kind = kind;
        Thread = thread;
        Argument = argument;
    }

    /// <summary>What it asks.</summary>
    public MessageKind Kind { get; }

    /// <summary>The thread that asks.</summary>
    public ThreadId Thread { get; }

    /// <summary>Of <see cref="MessageKind.Signal"/> and <see cref="MessageKind.Wait"/>: the event.</summary>
    public int Event => (int)ArgumentOf(Kind is MessageKind.Signal or MessageKind.Wait);

    /// <summary>Of <see cref="MessageKind.Barrier"/>: the barrier.</summary>
    public int Barrier => (int)ArgumentOf(Kind == MessageKind.Barrier);

    /// <summary>Of <see cref="MessageKind.Lock"/> and <see cref="MessageKind.Unlock"/>: the mutex.</summary>
    public int Mutex => (int)ArgumentOf(Kind is MessageKind.Lock or MessageKind.Unlock);

    /// <summary>Of <see cref="MessageKind.Sleep"/>: for how long.</summary>
    public Cycles Duration => new(ArgumentOf(Kind == MessageKind.Sleep));

    /// <summary>Of <see cref="MessageKind.StartThread"/>: number of the other thread within the process.</summary>
    public int StartedIndex => (int)ArgumentOf(Kind == MessageKind.StartThread);

    /// <summary>Of <see cref="MessageKind.Migrate"/>: the core that the thread moves to.</summary>
    public CoreId Target => new((int)ArgumentOf(Kind == MessageKind.Migrate));

    /// <summary>The number that goes with what is asked.</summary>
    internal long Argument { get; }

    /// <summary>An event has happened.</summary>
    public static ThreadRequest Signal(ThreadId thread, int number) => new(MessageKind.Signal, thread, number);

    /// <summary>The thread sleeps until an event has happened.</summary>
    public static ThreadRequest Wait(ThreadId thread, int number) => new(MessageKind.Wait, thread, number);

    /// <summary>The thread waits at a barrier for the others.</summary>
    public static ThreadRequest EnterBarrier(ThreadId thread, int barrier) => new(MessageKind.Barrier, thread, barrier);

    /// <summary>The thread wants a mutex.</summary>
    public static ThreadRequest Lock(ThreadId thread, int mutex) => new(MessageKind.Lock, thread, mutex);

    /// <summary>The thread unlocks a mutex.</summary>
    public static ThreadRequest Unlock(ThreadId thread, int mutex) => new(MessageKind.Unlock, thread, mutex);

    /// <summary>The thread sleeps.</summary>
    public static ThreadRequest Sleep(ThreadId thread, Cycles duration) => new(MessageKind.Sleep, thread, duration.Value);

    /// <summary>The thread makes another one runnable.</summary>
    public static ThreadRequest Start(ThreadId thread, int index) => new(MessageKind.StartThread, thread, index);

    /// <summary>The thread moves to another core.</summary>
    public static ThreadRequest Migrate(ThreadId thread, CoreId target) => new(MessageKind.Migrate, thread, target.Value);

    /// <summary>The thread has ended; the answer comes when its core may go on.</summary>
    public static ThreadRequest Exit(ThreadId thread) => new(MessageKind.ThreadExit, thread);

    private long ArgumentOf(bool hasIt)
    {
        Debug.Assert(hasIt, $"a {Kind} has no such argument");
        return Argument;
    }
}
