using VmSim.Core.Programs;

namespace VmSim.Core.Traces;

/// <summary>A stream with a compute stretch after each access: a number of cycles for each reference in it.</summary>
internal sealed class ComputeStream(IOperationStream operations, long cycles) : IOperationStream
{
    private readonly ulong[] _block = new ulong[256];
    private int _next;
    private int _count;
    private ulong _owed;

    /// <inheritdoc/>
    public int Read(Span<ulong> destination)
    {
        int written = 0;
        while (written < destination.Length)
        {
            if (_owed > 0)
            {
                destination[written++] = Operation.ControlWord(ControlKind.Compute, _owed);
                _owed = 0;
                continue;
            }

            if (_next == _count)
            {
                _count = operations.Read(_block);
                _next = 0;
                if (_count == 0)
                {
                    break;
                }
            }

            ulong word = _block[_next++];
            Operation operation = new Operation(word);
            _owed = operation.IsControl ? 0 : (ulong)operation.Count * (ulong)cycles;
            destination[written++] = word;
        }

        return written;
    }
}
