namespace VmSim.Host.Service;

/// <summary>Where a job stands.</summary>
internal enum JobState
{
    /// <summary>It waits for its turn, perhaps not for the first time.</summary>
    Queued,

    /// <summary>A process makes it.</summary>
    Running,

    /// <summary>Its result is in the store.</summary>
    Done,

    /// <summary>It cannot be made; its reason says why.</summary>
    Failed,

    /// <summary>Somebody did not want it any more.</summary>
    Cancelled,
}
