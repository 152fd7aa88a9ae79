using System.Text.Json;
using VmSim.Actors.Cluster;
using VmSim.Actors.Configuration;
using VmSim.Actors.Running;
using VmSim.Actors.Security;
using VmSim.Core.Experiments;
using VmSim.Core.Mapping.Scripts;
using VmSim.Core.Settings;
using VmSim.Core.Traces;

namespace VmSim.Host.Terminal;

/// <summary>The one place that knows what kinds of exceptions mean: a new kind of bad input is added here.</summary>
internal static class Failures
{
    /// <summary>The exit code and the message of what went wrong.</summary>
    public static (int Code, string Message) Explain(Exception reason) => Known(reason) switch
    {
        { } known when known.Code != ExitCodes.BadInput || reason is not IOException || Shortage.Of(reason) is not { } missing => known,
        { } => (ExitCodes.System, Shortage.Of(reason)!),
        null => Shortage.Of(reason) is { } missing ? (ExitCodes.System, missing) : Defect(reason),
    };

    private static (int Code, string Message)? Known(Exception reason) => reason switch
    {
        UsageException => (ExitCodes.Usage, reason.Message),
        ScenarioException or TraceFormatException or TableFormatException or ScriptException or CertificateException
            or JsonException => (ExitCodes.BadInput, reason.Message),
        IOException or UnauthorizedAccessException => (ExitCodes.BadInput, reason.Message),
        ShortageException => (ExitCodes.System, reason.Message),
        TaskCanceledException => (ExitCodes.Broken, "stopped"),
        NodeLostException or OperationCanceledException => (ExitCodes.Broken, reason.Message),
        PlugInFailedException => (ExitCodes.Internal, $"{reason.Message}\n{reason.InnerException?.StackTrace}"),
        AggregateException { InnerException: { } inner } => Known(inner),
        _ => null,
    };

    private static (int Code, string Message) Defect(Exception reason) => reason is SimulationFailedException
        ? (ExitCodes.Internal, $"internal error: {reason.Message}\n{reason.InnerException?.StackTrace}")
        : (ExitCodes.Internal, $"internal error: {reason.Message} ({reason.GetType().Name})\n{reason.StackTrace}");
}
