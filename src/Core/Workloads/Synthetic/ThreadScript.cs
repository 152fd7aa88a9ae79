using VmSim.Core.Addresses;
using VmSim.Core.Programs;

namespace VmSim.Core.Workloads.Synthetic;

/// <summary>Helps to write a thread as an iterator of operations: keeps its system calls and encodes operations.</summary>
public sealed class ThreadScript
{
    private readonly List<SystemCall> _calls = [];

    /// <summary>A system call that touches no mapping.</summary>
    public static SystemCall NoMapping { get; } = new() { Kind = SystemCallKind.Other };

    /// <summary>Registers a system call and gives the operation that makes it.</summary>
    public ulong Call(SystemCall call)
    {
        _calls.Add(call);
        return Operation.ControlWord(ControlKind.SystemCall, (ulong)(_calls.Count - 1));
    }

    /// <summary>mmap of anonymous private memory.</summary>
    public ulong Map(ulong start, ulong pages, Protection protection = Protection.Read | Protection.Write) =>
        Call(Mapping(start, pages, protection));

    /// <summary>mmap of a file.</summary>
    public ulong MapFile(ulong start, ulong pages, int file, bool shared, Protection protection = Protection.Read | Protection.Write) =>
        Call(Mapping(start, pages, protection) with { Source = MappingSource.File, FileId = file, Shared = shared });

    /// <summary>The word of an munmap.</summary>
    public ulong Unmap(ulong start, ulong pages) =>
        Call(new SystemCall { Kind = SystemCallKind.Unmap, Start = new VirtAddr(start), Length = pages * PageSizes.BaseBytes });

    /// <summary>The word of an mprotect.</summary>
    public ulong Protect(ulong start, ulong pages, Protection protection) =>
        Call(
            new SystemCall
            {
                Kind = SystemCallKind.Protect,
                Start = new VirtAddr(start),
                Length = pages * PageSizes.BaseBytes,
                Protection = protection
            });

    /// <summary>The word of an madvise.</summary>
    public ulong Advise(ulong start, ulong pages, Advice advice) =>
        Call(
            new SystemCall
            {
                Kind = SystemCallKind.Advise,
                Start = new VirtAddr(start),
                Length = pages * PageSizes.BaseBytes,
                Advice = advice
            });

    /// <summary>The thread that runs <paramref name="body"/> from its beginning each time it is opened.</summary>
    public ThreadProgram Thread(string name, Func<IEnumerable<ulong>> body, bool startsRunnable = true, CoreId? core = null) => new()
    {
        Name = name,
        Open = () => new IteratorStream(body().GetEnumerator()),
        SystemCalls = _calls,
        StartsRunnable = startsRunnable,
        Core = core,
    };

    /// <summary>The thread that reads <paramref name="open"/>'s streams.</summary>
    public ThreadProgram Thread(string name, Func<IOperationStream> open) => new() { Name = name, Open = open, SystemCalls = _calls };

    /// <summary>An anonymous private mapping.</summary>
    public static SystemCall Mapping(ulong start, ulong pages, Protection protection = Protection.Read | Protection.Write) => new()
    {
        Kind = SystemCallKind.Map,
        Start = new VirtAddr(start),
        Length = pages * PageSizes.BaseBytes,
        Protection = protection,
        Source = MappingSource.Anonymous,
    };

    /// <summary>A load of the page at an address.</summary>
    public static ulong Load(ulong address) => Operation.Access(AccessKind.Load, address);

    /// <summary>A store to the page at an address.</summary>
    public static ulong Store(ulong address) => Operation.Access(AccessKind.Store, address);

    /// <summary>A fetch from the page at an address.</summary>
    public static ulong Fetch(ulong address, int count = 1) => Operation.Access(AccessKind.Fetch, address, count);

    /// <summary>The word of an operation that is no access.</summary>
    public static ulong Control(ControlKind kind, long argument = 0) => Operation.ControlWord(kind, (ulong)argument);

    /// <summary>Reads an iterator in blocks.</summary>
    private sealed class IteratorStream(IEnumerator<ulong> operations) : IOperationStream
    {
        private bool _hasEnded;

        public int Read(Span<ulong> destination)
        {
            int count = 0;
            while (count < destination.Length && !_hasEnded)
            {
                if (!operations.MoveNext())
                {
                    _hasEnded = true;
                    break;
                }

                destination[count++] = operations.Current;
            }

            return count;
        }
    }
}
