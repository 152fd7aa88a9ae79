using VmSim.Core.Addresses;

namespace VmSim.Core.Memory.Backends;

/// <summary>One call that a <see cref="MockBackend"/> received.</summary>
/// <param name="Method">Map, Unmap, Protect, Fork, Arrive or HandleFault.</param>
/// <param name="Start">The range's first address, or the faulting page.</param>
/// <param name="Size">Bytes of the range.</param>
/// <param name="Flags">The flags it was given.</param>
/// <param name="Answer">Whether it agreed.</param>
public readonly record struct MockCall(string Method, VirtAddr Start, ulong Size, AreaFlags Flags, bool Answer);

/// <summary>A backend for tests: passes calls on to another one, refuses those it is told to, and keeps a log.</summary>
/// <remarks>A refused call reaches the other backend first when <see cref="RefuseLate"/> is set, so that its work must be undone.</remarks>
public sealed class MockBackend : MemoryBackend
{
    private readonly MemoryBackend _inner;
    private readonly List<MockCall> _calls = [];

    /// <summary>Makes a backend that agrees to everything.</summary>
    /// <param name="inner">The backend that does the work; null for <see cref="LazyBackend"/>.</param>
    public MockBackend(MemoryBackend? inner = null) => _inner = inner ?? LazyBackend.Instance;

    /// <summary>What it was asked, in order.</summary>
    public IReadOnlyList<MockCall> Calls => _calls;

    /// <summary>Calls from now until one is refused, that one included; 0 refuses none.</summary>
    public int RefuseAfter { get; set; }

    /// <summary>Whether the refused call's work is done before it is refused.</summary>
    public bool RefuseLate { get; set; }

    /// <inheritdoc/>
    public override string Name => "mock";

    /// <inheritdoc/>
    public override Backing Backing => _inner.Backing;

    /// <inheritdoc/>
    public override bool TakesAdvice => _inner.TakesAdvice;

    /// <inheritdoc/>
    public override bool Map(VirtAddr start, ulong size, AreaFlags flags, SpaceMemory pageTable) =>
        Answer("Map", start, size, flags, () => _inner.Map(start, size, flags, pageTable));

    /// <inheritdoc/>
    public override bool Unmap(VirtAddr start, ulong size, SpaceMemory pageTable) =>
        Answer("Unmap", start, size, AreaFlags.None, () => _inner.Unmap(start, size, pageTable));

    /// <inheritdoc/>
    public override bool Protect(VirtAddr start, ulong size, AreaFlags newFlags, SpaceMemory pageTable) =>
        Answer("Protect", start, size, newFlags, () => _inner.Protect(start, size, newFlags, pageTable));

    /// <summary>The same mock serves the other place; only the backend behind it knows addresses.</summary>
    public override MemoryBackend MovedBy(ulong distance) =>
        ReferenceEquals(_inner.MovedBy(distance), _inner) ? this : _inner.MovedBy(distance);

    /// <inheritdoc/>
    public override bool Arrive(VirtAddr start, ulong size, SpaceMemory memory) =>
        Answer("Arrive", start, size, AreaFlags.None, () => _inner.Arrive(start, size, memory));

    /// <inheritdoc/>
    public override bool Fork(VirtAddr start, ulong size, AreaFlags flags, SpaceMemory parent, SpaceMemory child) =>
        Answer("Fork", start, size, flags, () => _inner.Fork(start, size, flags, parent, child));

    /// <inheritdoc/>
    public override FaultKind HandleFault(in Fault fault, SpaceMemory memory)
    {
        FaultKind kind = FaultKind.OutOfMemory;
        Fault copy = fault;
        bool agreed = Answer("HandleFault", fault.Page, PageSizes.BaseBytes, fault.Flags, () =>
        {
            kind = _inner.HandleFault(copy, memory);
            return !kind.IsFailure();
        });
        return agreed || kind.IsFailure() ? kind : FaultKind.OutOfMemory;
    }

    private bool Answer(string method, VirtAddr start, ulong size, AreaFlags flags, Func<bool> work)
    {
        bool refuse = RefuseAfter > 0 && --RefuseAfter == 0;
        bool answer = (!refuse || RefuseLate) && work() && !refuse;
        _calls.Add(new MockCall(method, start, size, flags, answer));
        return answer;
    }
}
