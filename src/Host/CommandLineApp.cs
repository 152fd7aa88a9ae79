using System.CommandLine;
using System.Text.Json;
using VmSim.Actors.Cluster;
using VmSim.Actors.Configuration;
using VmSim.Actors.Running;
using VmSim.Actors.Security;
using VmSim.Core.Experiments;
using VmSim.Core.Mapping.Scripts;
using VmSim.Core.Settings;
using VmSim.Core.Traces;
using VmSim.Host.Commands;
using VmSim.Host.Terminal;

namespace VmSim.Host;

/// <summary>The <c>vmsim</c> command line: parses, runs a command, turns what went wrong into a message and an exit code.</summary>
public static class CommandLineApp
{
    /// <summary>The commands, in the order of the help. Each is given where results go, and where progress and messages go.</summary>
    private static readonly Func<TextWriter, TextWriter, Command>[] Commands =
    [
        RunCommand.Create,
        CheckCommand.Create,
        NodeCommand.Create,
        CertsCommand.Create,
        ReportCommand.Create,
        ReplayCommand.Create,
        TlbCommand.Create,
        FuzzCommand.Create,
        ListCommand.Create,
        CaptureCommand.Create,
        ImportCommand.Create,
        TraceCommand.Create,
    ];

    /// <summary>Runs one command line.</summary>
    /// <param name="args">The arguments.</param>
    /// <param name="output">Where results go.</param>
    /// <param name="error">Where progress and messages go.</param>
    /// <returns>An exit code of <see cref="ExitCodes"/>.</returns>
    public static async Task<int> RunAsync(string[] args, TextWriter output, TextWriter error)
    {
        ArgumentNullException.ThrowIfNull(error);
        try
        {
            ParseResult parsed = Root(output, error).Parse(args);
            if (parsed.Errors.Count > 0)
            {
                foreach (System.CommandLine.Parsing.ParseError problem in parsed.Errors)
                {
                    await error.WriteLineAsync($"vmsim: {problem.Message}");
                }

                await error.WriteLineAsync($"Try: vmsim {(args.Length > 0 && !args[0].StartsWith('-') ? args[0] + " " : "")}--help");
                return ExitCodes.Usage;
            }

            InvocationConfiguration invocation = new()
            {
                Output = output,
                Error = error,
                EnableDefaultExceptionHandler = false,

                // After Ctrl-C a run ends with its window and then reports; a busy machine may take its time over that.
                ProcessTerminationTimeout = TimeSpan.FromMinutes(2),
            };
            return await parsed.InvokeAsync(invocation);
        }
        catch (Exception reason)
        {
            (int code, string message) = Explain(reason);
            await error.WriteLineAsync($"vmsim: {message}");
            return code;
        }
    }

    private static RootCommand Root(TextWriter output, TextWriter error)
    {
        RootCommand root = new("Simulates virtual memory on many-core machines.");
        foreach (Func<TextWriter, TextWriter, Command> create in Commands)
        {
            root.Subcommands.Add(create(output, error));
        }

        return root;
    }

    /// <summary>The one place that knows what kinds of exceptions mean: a new kind of bad input is added here.</summary>
    private static (int Code, string Message) Explain(Exception reason) => reason switch
    {
        UsageException => (ExitCodes.Usage, reason.Message),
        ScenarioException or TraceFormatException or TableFormatException or ScriptException or CertificateException
            or JsonException => (ExitCodes.BadInput, reason.Message),
        IOException or UnauthorizedAccessException => (ExitCodes.BadInput, reason.Message),
        NodeLostException or OperationCanceledException => (ExitCodes.Broken, reason.Message),
        PlugInFailedException => (ExitCodes.Internal, $"{reason.Message}\n{reason.InnerException?.StackTrace}"),
        SimulationFailedException => (ExitCodes.Internal, $"internal error: {reason.Message}\n{reason.InnerException?.StackTrace}"),
        AggregateException { InnerException: { } inner } => Explain(inner),
        _ => (ExitCodes.Internal, $"internal error: {reason.Message} ({reason.GetType().Name})\n{reason.StackTrace}"),
    };
}
