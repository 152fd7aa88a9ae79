using VmSim.Core.Addresses;

namespace VmSim.Core.Programs;

/// <summary>Writes a thread's program operation by operation; for tests, examples and small programs that are known in advance.</summary>
/// <param name="name">The thread's name.</param>
public sealed class ThreadBuilder(string name)
{
    private readonly List<ulong> _operations = [];
    private readonly List<SystemCall> _calls = [];

    /// <summary>Operations written so far.</summary>
    public int Count => _operations.Count;

    /// <summary>Loads from the page of an address; <paramref name="count"/> times, 1 or more.</summary>
    public ThreadBuilder Load(ulong address, int count = 1) => Access(AccessKind.Load, address, count);

    /// <summary>Stores to the page of an address; <paramref name="count"/> times, 1 or more.</summary>
    public ThreadBuilder Store(ulong address, int count = 1) => Access(AccessKind.Store, address, count);

    /// <summary>Fetches instructions from the page of an address; <paramref name="count"/> times, 1 or more.</summary>
    public ThreadBuilder Fetch(ulong address, int count = 1) => Access(AccessKind.Fetch, address, count);

    /// <summary>Accesses to the page of an address; <paramref name="count"/> times, 1 or more.</summary>
    public ThreadBuilder Access(AccessKind kind, ulong address, int count = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        for (int left = count; left > 0; left -= Operation.MaxCount)
        {
            _operations.Add(Operation.Access(kind, address, Math.Min(left, Operation.MaxCount)));
        }

        return this;
    }

    /// <summary>Stores once to each of <paramref name="pages"/> consecutive pages.</summary>
    public ThreadBuilder Touch(ulong address, int pages)
    {
        for (int i = 0; i < pages; i++)
        {
            Store(address + ((ulong)i << PageSizes.BaseShift));
        }

        return this;
    }

    /// <summary>Adds any system call.</summary>
    public ThreadBuilder Call(SystemCall call)
    {
        _operations.Add(Operation.ControlWord(ControlKind.SystemCall, (ulong)_calls.Count));
        _calls.Add(call);
        return this;
    }

    /// <summary>mmap of anonymous private memory.</summary>
    public ThreadBuilder Map(ulong address, int pages, Protection protection = Protection.Read | Protection.Write) => Call(new SystemCall
    {
        Kind = SystemCallKind.Map,
        Start = new VirtAddr(address),
        Length = (ulong)pages << PageSizes.BaseShift,
        Protection = protection,
    });

    /// <summary>Adds an munmap of a number of 4 KiB pages.</summary>
    public ThreadBuilder Unmap(ulong address, int pages) => Call(new SystemCall
    {
        Kind = SystemCallKind.Unmap,
        Start = new VirtAddr(address),
        Length = (ulong)pages << PageSizes.BaseShift,
    });

    /// <summary>Adds an mprotect of a number of 4 KiB pages.</summary>
    public ThreadBuilder Protect(ulong address, int pages, Protection protection) => Call(new SystemCall
    {
        Kind = SystemCallKind.Protect,
        Start = new VirtAddr(address),
        Length = (ulong)pages << PageSizes.BaseShift,
        Protection = protection,
    });

    /// <summary>Adds an madvise of a number of 4 KiB pages.</summary>
    public ThreadBuilder Advise(ulong address, int pages, Advice advice) => Call(new SystemCall
    {
        Kind = SystemCallKind.Advise,
        Start = new VirtAddr(address),
        Length = (ulong)pages << PageSizes.BaseShift,
        Advice = advice,
    });

    /// <summary>A control operation with its argument.</summary>
    public ThreadBuilder Control(ControlKind kind, ulong argument = 0)
    {
        _operations.Add(Operation.ControlWord(kind, argument));
        return this;
    }

    /// <summary>Computes for some time, which is at least 0.</summary>
    public ThreadBuilder Compute(Cycles time) => Control(ControlKind.Compute, (ulong)time.Value);

    /// <summary>Ends the list of operations and makes the program of it.</summary>
    /// <param name="core">The core it is pinned to; null to let the scenario's placement decide.</param>
    /// <param name="startsRunnable">Whether it is runnable from the start.</param>
    public ThreadProgram Build(CoreId? core = null, bool startsRunnable = true)
    {
        ulong[] operations = [.. _operations];
        return new ThreadProgram
        {
            Name = name,
            Open = () => new ArrayStream(operations),
            SystemCalls = [.. _calls],
            StartsRunnable = startsRunnable,
            Core = core,
        };
    }
}

/// <summary>A stream of operations that lie in memory.</summary>
/// <param name="operations">The operations; not changed.</param>
public sealed class ArrayStream(ReadOnlyMemory<ulong> operations) : IOperationStream
{
    private int _position;

    /// <inheritdoc/>
    public int Read(Span<ulong> buffer)
    {
        int count = Math.Min(buffer.Length, operations.Length - _position);
        operations.Span.Slice(_position, count).CopyTo(buffer);
        _position += count;
        return count;
    }
}
