namespace VmSim.Core.Traces.Import;

/// <summary>
/// Holds the loads and stores of one instruction to its end: a load that lies within what the instruction then stores to comes behind the
/// store, all else in its order.
/// </summary>
/// <remarks>
/// An x86-64 processor asks for the right to write at once if an instruction reads and writes one place, such as inc, xchg or a locked add:
/// on 2,000 fresh pages that is 2,000 faults by getrusage (tests/Programs/readmodifywrite.c). Tools report a load and then a store, which a
/// replay takes for two faults, of the page of zeros and of a copy. With the store first the load finds the page mapped, and both count. An
/// instruction that loads one place and stores to another, such as push of memory or movs, keeps its order: there the load faults first on
/// a machine too.
/// </remarks>
/// <param name="emitter">Takes the references.</param>
public sealed class InstructionReferences(TraceEmitter emitter)
{
    /// <summary>The most that are held: those of a gather of 16 elements. What an instruction has beyond is taken for another's.</summary>
    private const int Capacity = 16;

    private readonly (VmtKind Kind, ulong Address, uint Size)[] _held = new (VmtKind Kind, ulong Address, uint Size)[Capacity];
    private readonly bool[] _isDone = new bool[Capacity];
    private int _count;

    /// <summary>A load or store of the instruction.</summary>
    public void Add(VmtKind kind, ulong address, uint size)
    {
        if (_count == Capacity)
        {
            End();
        }

        _isDone[_count] = false;
        _held[_count++] = (kind, address, Math.Max(size, 1));
    }

    /// <summary>The instruction ends: hands on what is held.</summary>
    public void End()
    {
        for (int i = 0; i < _count; i++)
        {
            if (_held[i].Kind == VmtKind.Store)
            {
                EmitStore(i);
            }
            else if (!_isDone[i] && !IsStoredToBehind(i))
            {
                Emit(i);
            }
        }

        _count = 0;
    }

    private void EmitStore(int store)
    {
        Emit(store);
        for (int i = 0; i < store; i++)
        {
            if (!_isDone[i] && IsWithin(i, store))
            {
                Emit(i);
            }
        }
    }

    private void Emit(int index)
    {
        _isDone[index] = true;
        emitter.Reference(_held[index].Kind, _held[index].Address, _held[index].Size);
    }

    private bool IsStoredToBehind(int load)
    {
        for (int i = load + 1; i < _count; i++)
        {
            if (_held[i].Kind == VmtKind.Store && IsWithin(load, i))
            {
                return true;
            }
        }

        return false;
    }

    private bool IsWithin(int load, int store)
    {
        (_, ulong address, uint size) = _held[load];
        (_, ulong start, uint length) = _held[store];
        return address >= start && size <= length && address - start <= length - size;
    }
}
