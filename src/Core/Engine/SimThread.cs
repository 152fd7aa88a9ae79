using VmSim.Core.Addresses;
using VmSim.Core.Programs;
using VmSim.Core.State;

namespace VmSim.Core.Engine;

/// <summary>What a thread waits for while it is in the kernel.</summary>
public enum TrapKind : byte
{
    /// <summary>Nothing; it runs or is runnable.</summary>
    None,

    /// <summary>A page fault.</summary>
    Fault,

    /// <summary>A memory-management system call.</summary>
    SystemCall,

    /// <summary>An event, a barrier, a mutex, a sleep, a fork or the start of a thread.</summary>
    Synchronization,

    /// <summary>An event that only the order of a trace asks for.</summary>
    Order,

    /// <summary>A barrier at which it spins; only the model has it leave user mode.</summary>
    Spin,

    /// <summary>Its own end, and that of its process if it was the last.</summary>
    Exit,

    /// <summary>A fault of the host's table of its virtual machine.</summary>
    HostFault,
}

/// <summary>How a thread came to be on a node of a cluster, or not.</summary>
public enum ThreadMove : byte
{
    /// <summary>It has not moved: it is on the node of the core that had it when the run began.</summary>
    None,

    /// <summary>It came from another node.</summary>
    Came,

    /// <summary>It went to another node.</summary>
    Left,
}

/// <summary>
/// A thread of the simulated machine: its operations and where it stands in them. It belongs to the core that runs it or holds it in its
/// queue; on the way from one core to another nobody touches it.
/// </summary>
public sealed class SimThread
{
    /// <summary>Operations read from the stream at a time.</summary>
    public const int BufferLength = 512;

    private readonly ThreadProgram _program;

    [NotSaved]
    private IOperationStream? _stream;

    /// <summary>Makes a thread that has not begun.</summary>
    /// <param name="id">Its number in the run.</param>
    /// <param name="number">Its number in its process.</param>
    /// <param name="space">Its address space.</param>
    /// <param name="program">What it runs.</param>
    /// <param name="core">The core it is placed on.</param>
    public SimThread(ThreadId id, int number, SpaceId space, ThreadProgram program, CoreId core)
    {
        ArgumentNullException.ThrowIfNull(program);
        Id = id;
        Number = number;
        Space = space;
        Placed = Core = Home = Origin = core;
        _program = program;
    }

    /// <summary>Its number in the run.</summary>
    public ThreadId Id { get; }

    /// <summary>Its number in its process.</summary>
    public int Number { get; }

    /// <summary>The build of the code that makes the thread's operations.</summary>
    internal Guid ProgramBuild => _program.Open.Method.Module.ModuleVersionId;

    /// <summary>Its address space.</summary>
    public SpaceId Space { get; }

    /// <summary>Its name.</summary>
    public string Name => _program.Name;

    /// <summary>Whether it is runnable from the start of its process.</summary>
    public bool StartsRunnable => _program.StartsRunnable;

    /// <summary>The system calls its operations name.</summary>
    public IReadOnlyList<SystemCall> SystemCalls => _program.SystemCalls;

    /// <summary>The core it is placed on at time 0.</summary>
    public CoreId Placed { get; }

    /// <summary>
    /// The core that has it, or is to have it while it is on its way. Of a thread that came from another node and has not run here yet,
    /// that node knows it.
    /// </summary>
    internal CoreId Home { get; set; }

    /// <summary>The core that had it when the run began: at time 0, or where it went on from a checkpoint.</summary>
    internal CoreId Origin { get; private set; }

    /// <summary>Whether it has come to this node, or left it, since the run began.</summary>
    public ThreadMove Moved { get; private set; }

    /// <summary>The core it runs on, or ran on last.</summary>
    public CoreId Core { get; set; }

    /// <summary>When it ran first; -1 before.</summary>
    public Cycles Started { get; set; } = -1;

    /// <summary>When it ended; -1 before.</summary>
    public Cycles Ended { get; set; } = -1;

    /// <summary>Accesses it has made.</summary>
    public long Accesses { get; set; }

    /// <summary>Page faults it has taken.</summary>
    public long Faults { get; set; }

    /// <summary>What it waits for in the kernel.</summary>
    public TrapKind Trap { get; set; }

    /// <summary>When the trap began.</summary>
    public Cycles TrapBegan { get; set; }

    /// <summary>The system call of the trap.</summary>
    public SystemCall? TrapCall { get; set; }

    /// <summary>The address of its last fault.</summary>
    internal VirtAddr FaultAddress { get; set; }

    /// <summary>What the access of its last fault does.</summary>
    internal AccessKind FaultAccess { get; set; }

    /// <summary>The number of the operation that it goes on with in the kernel when it runs; 0 for none.</summary>
    public long Resumes { get; set; }

    /// <summary>Faults taken on the current operation without getting past it.</summary>
    public int FaultsInARow { get; set; }

    /// <summary>Where it stands in the sampling of its accesses; null if they are not sampled.</summary>
    internal ThreadSampling? Sampling { get; set; }

    /// <summary>Its stream, if that can go over accesses and none of its operations were read that the thread has not begun.</summary>
    internal ISkippingStream? Skipping => Position == Length ? _stream as ISkippingStream : null;

    internal ulong[] Buffer { get; private set; } = [];

    internal int Position { get; set; }

    /// <summary>Operations of the buffer; while a sample is taken, those up to its end.</summary>
    internal int Length { get; set; }

    /// <summary>Operations that were behind the thread when it last read a block.</summary>
    public long Consumed { get; private set; }

    /// <summary>Reads the next block of operations.</summary>
    /// <returns>False at the end of the program.</returns>
    internal bool Refill()
    {
        Open();
        Consumed += Length;
        Position = 0;
        Length = _stream!.Read(Buffer);
        return Length > 0;
    }

    /// <summary>Goes over accesses of its stream (<see cref="Skipping"/>), whose operations it has not read.</summary>
    internal void SkipAccesses(long accesses)
    {
        Consumed += Length;
        Position = 0;
        Length = 0;
        long skipped = ((ISkippingStream)_stream!).Skip(accesses, out long operations);
        Consumed += operations;
        if (skipped < accesses && Refill())
        {
            Operation begun = new(Buffer[0]);
            Buffer[0] = Operation.Access(begun.Kind, begun.PageAddress, begun.Count - (int)(accesses - skipped));
        }
    }

    /// <summary>The thread leaves for a core on another node: where it stands.</summary>
    public SimThreadState Export()
    {
        Moved = ThreadMove.Left;
        return new(
            Id, Core, Consumed + Position, Buffer.AsSpan(Position, Length - Position).ToArray(), Started, Accesses, Faults)
        {
            Sampling = Sampling?.Export() ?? [],
        };
    }

    /// <summary>Goes on where the thread stood on another node; its program is read up to there.</summary>
    /// <exception cref="InvalidDataException">The thread was further here than there, or its program ends before that point.</exception>
    public void Import(SimThreadState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        long read = state.Consumed + state.Operations.Length;
        if (state.Operations.Length > BufferLength || read < Consumed + Length)
        {
            throw new InvalidDataException(
                $"thread {Id} ({Name}): its state on another node lies at operation {read}, here it was at {Consumed + Length} already");
        }

        ReadUpTo(read);
        state.Operations.CopyTo(Buffer, 0);
        Position = 0;
        Length = state.Operations.Length;
        Consumed = state.Consumed;
        Moved = ThreadMove.Came;
        Core = state.Core;
        Started = state.Started;
        Accesses = state.Accesses;
        Faults = state.Faults;
        FaultsInARow = 0;
        if (state.Sampling.Count > 0)
        {
            Sampling?.Import([.. state.Sampling]);
        }
    }

    /// <summary>The run begins anew from a checkpoint: whatever moved before has moved.</summary>
    internal void Settle() => (Origin, Moved) = (Home, ThreadMove.None);

    /// <summary>Reads the program again up to where the thread stands, whose state comes from a checkpoint.</summary>
    internal void Reopen()
    {
        _stream = null;
        if (Buffer.Length > 0)
        {
            _stream = _program.Open();
            Skip(0, Consumed + Length);
        }
    }

    private void ReadUpTo(long operation)
    {
        if (operation == 0)
        {
            return;
        }

        Open();
        Skip(Consumed + Length, operation);
    }

    /// <summary>Reads operations that are not needed, from one on and up to another.</summary>
    private void Skip(long at, long operation)
    {
        ulong[] skipped = new ulong[BufferLength];
        while (at < operation)
        {
            int read = _stream!.Read(skipped.AsSpan(0, (int)Math.Min(BufferLength, operation - at)));
            at += read > 0
                ? read
                : throw new InvalidDataException(
                    $"thread {Id} ({Name}): its program ends at operation {at}, but it was at {operation} before");
        }
    }

    private void Open()
    {
        if (_stream is null)
        {
            _stream = _program.Open();
            Buffer = new ulong[BufferLength];
        }
    }

    /// <summary>Gives the buffers back once the thread has ended.</summary>
    internal void Close()
    {
        _stream = null;
        Buffer = [];
        Position = 0;
        Length = 0;
    }
}
