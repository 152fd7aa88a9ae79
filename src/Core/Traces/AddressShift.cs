using VmSim.Core.Addresses;
using VmSim.Core.Programs;

namespace VmSim.Core.Traces;

/// <summary>
/// Moves every address of a program by its class's shift: those of calls at once, those of operations while they are read.
/// </summary>
internal sealed class AddressShift(TraceLayout layout, ulong[] shifts)
{
    /// <summary>Whether a call is about all of user space, as at an exec; it stays as it is.</summary>
    public static bool IsWholeSpace(SystemCall call) => call.Start.Value == 0 && call.Length == TraceCalls.UserBytes;

    /// <summary>The program and its children at their new addresses.</summary>
    public ProgramImage Apply(ProgramImage image) => image with
    {
        InitialMappings = [.. image.InitialMappings.Select(Move)],
        InitialBreak = image.InitialBreak.Value == 0 ? image.InitialBreak : Heap(image.InitialBreak),
        Threads = [.. image.Threads.Select(Apply)],
        Children = [.. image.Children.Select(Apply)],
    };

    private ThreadProgram Apply(ThreadProgram thread) => thread with
    {
        Open = () => new Stream(thread.Open(), layout, shifts),
        SystemCalls = [.. thread.SystemCalls.Select(Move)],
    };

    private SystemCall Move(SystemCall call)
    {
        if (call.Kind == SystemCallKind.SetBreak)
        {
            return call with { Start = Heap(call.Start) };
        }

        return IsWholeSpace(call)
            ? call
            : call with
            {
                Start = Move(call.Start),
                NewStart = call.NewLength > 0 ? Move(call.NewStart) : call.NewStart,
                MoreRanges = call.MoreRanges.Count == 0 ? call.MoreRanges : [.. call.MoreRanges.Select(Move)],
            };
    }

    private AddrRange<VirtAddr> Move(AddrRange<VirtAddr> range) => AddrRange.Of(Move(range.Start), range.Size);

    private VirtAddr Move(VirtAddr address) => new(address.Value + layout.ShiftOf(address.Value, shifts));

    /// <summary>A break is the end of the heap, where another class may begin.</summary>
    private VirtAddr Heap(VirtAddr address) => new(address.Value + shifts[(int)LayoutClass.Heap]);

    private sealed class Stream(IOperationStream operations, TraceLayout layout, ulong[] shifts) : IOperationStream
    {
        public int Read(Span<ulong> destination)
        {
            int count = operations.Read(destination);
            foreach (ref ulong word in destination[..count])
            {
                Operation operation = new(word);
                if (!operation.IsControl)
                {
                    word += layout.ShiftOf(operation.PageAddress, shifts);
                }
                else if (operation.Control is ControlKind.KernelLoad or ControlKind.KernelStore)
                {
                    ulong address = operation.Argument << PageSizes.BaseShift;
                    word = Operation.ControlWord(operation.Control, (address + layout.ShiftOf(address, shifts)) >> PageSizes.BaseShift);
                }
            }

            return count;
        }
    }
}
