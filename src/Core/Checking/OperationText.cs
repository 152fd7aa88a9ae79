using VmSim.Core.Addresses;
using VmSim.Core.Kernel;
using VmSim.Core.Memory;
using VmSim.Core.Programs;

namespace VmSim.Core.Checking;

/// <summary>What an operation is, put into words only when a violation is described.</summary>
internal readonly record struct OperationText
{
    private readonly SystemCall? _call;
    private readonly OperationKind _kind;
    private readonly FaultKind? _fault;
    private readonly AccessKind _access;
    private readonly VirtAddr _address;

    /// <summary>Keeps of an operation what is needed to describe it.</summary>
    public OperationText(KernelOperation operation)
    {
        _call = operation.Call;
        _kind = operation.Kind;
        _fault = operation.Fault;
        _access = operation.Access;
        _address = operation.Address;
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        if (_fault is { } fault)
        {
            return $"{_access.ToString().ToLowerInvariant()} fault at {_address} ({fault})";
        }

        return _call is { } call ? CallText.Describe(call) : _kind == OperationKind.Exit ? "exit()" : "fork()";
    }
}
