using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace VmSim.Host.Service;

/// <summary>Whether the service can do its work: that its store can be written, and processes started.</summary>
/// <param name="scheduler">Who knows.</param>
internal sealed class ServiceHealth(JobScheduler scheduler) : IHealthCheck
{
    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(scheduler.Problem is { Length: > 0 } problem ? HealthCheckResult.Unhealthy(problem) : HealthCheckResult.Healthy());
}
