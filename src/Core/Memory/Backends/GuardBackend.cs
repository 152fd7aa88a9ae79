namespace VmSim.Core.Memory.Backends;

/// <summary>Reserved addresses: every access is a segmentation fault, whatever the area's flags say.</summary>
public sealed class GuardBackend : MemoryBackend
{
    private GuardBackend()
    {
    }

    /// <summary>The backend of every guard area; it has no state.</summary>
    public static GuardBackend Instance { get; } = new();

    /// <inheritdoc/>
    public override string Name => "guard";

    /// <inheritdoc/>
    public override bool TakesAdvice => false;

    /// <inheritdoc/>
    public override bool NeedsJournal => false;

    /// <inheritdoc/>
    public override FaultKind HandleFault(in Fault fault, SpaceMemory memory) => FaultKind.SegmentationFault;
}
