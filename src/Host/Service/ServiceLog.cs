using Microsoft.Extensions.Logging;

namespace VmSim.Host.Service;

/// <summary>What a service tells those who run it.</summary>
internal static partial class ServiceLog
{
    [LoggerMessage(1, LogLevel.Information, "jobs from {Job} on: {Count} submitted by {Owner}")]
    public static partial void Submitted(ILogger log, long job, int count, string owner);

    [LoggerMessage(2, LogLevel.Information, "job {Job}: attempt {Attempt} in {Where}")]
    public static partial void Begun(ILogger log, long job, int attempt, string where);

    [LoggerMessage(3, LogLevel.Information, "job {Job}: {What}")]
    public static partial void Ended(ILogger log, long job, string what);

    [LoggerMessage(8, LogLevel.Information, "{What}")]
    public static partial void Said(ILogger log, string what);

    [LoggerMessage(4, LogLevel.Error, "{Problem}")]
    public static partial void Problem(ILogger log, string problem);

    [LoggerMessage(5, LogLevel.Warning, "{Address}: a request without a token that counts: {Method} {Path}")]
    public static partial void Refused(ILogger log, string address, string method, string path);

    [LoggerMessage(6, LogLevel.Information, "node {Node}: {What}")]
    public static partial void Node(ILogger log, string node, string what);

    [LoggerMessage(
        7, LogLevel.Information, "removed: {Results} results of {Bytes} bytes, {Jobs} jobs, {Scenarios} scenarios, {Traces} traces")]
    public static partial void Removed(ILogger log, long results, long bytes, long jobs, long scenarios, long traces);
}
