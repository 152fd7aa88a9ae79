namespace VmSim.Host.Service;

/// <summary>What a service keeps of what is over; null keeps all. Nothing is removed unless somebody says so.</summary>
/// <param name="Results">How long a result is kept after its last use.</param>
/// <param name="Bytes">Bytes that all results together may take; beyond, the least used go.</param>
/// <param name="Jobs">How long jobs are kept after their end, with their logs, scenarios and traces.</param>
internal sealed record RetentionRules(TimeSpan? Results, long? Bytes, TimeSpan? Jobs)
{
    /// <summary>All is kept.</summary>
    public static RetentionRules None { get; } = new(null, null, null);
}
