using System.CommandLine;
using System.Text.Json;
using VmSim.Actors.Cluster;
using VmSim.Actors.Running;
using VmSim.Core.Experiments;
using VmSim.Core.Settings;
using VmSim.Core.Workloads.Traces;
using VmSim.Host.Commands;
using VmSim.Host.Terminal;

namespace VmSim.Host;

/// <summary>The <c>vmsim</c> command line: parses, runs a command, turns what went wrong into a message and an exit code.</summary>
public static class CommandLineApp
{
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

            InvocationConfiguration invocation = new() { Output = output, Error = error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeSpan.FromSeconds(30) };
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
        root.Subcommands.Add(RunCommand.Create(output, error));
        root.Subcommands.Add(RunCommand.CreateCheck(output, error));
        root.Subcommands.Add(NodeCommand.Create(error));
        root.Subcommands.Add(ReportCommand.Create(output));
        root.Subcommands.Add(ReplayCommand.Create(output));
        root.Subcommands.Add(TlbCommand.Create(output, error));
        root.Subcommands.Add(FuzzCommand.Create(output, error));
        root.Subcommands.Add(ListCommand.Create(output));
        root.Subcommands.Add(CaptureCommand.Create(error));
        root.Subcommands.Add(ImportCommand.Create(error));
        root.Subcommands.Add(TraceCommand.Create(output, error));
        return root;
    }

    private static (int Code, string Message) Explain(Exception reason) => reason switch
    {
        UsageException => (ExitCodes.Usage, reason.Message),
        ScenarioException or TraceFormatException or TableFormatException => (ExitCodes.BadInput, reason.Message),
        JsonException => (ExitCodes.BadInput, reason.Message),
        FileNotFoundException or DirectoryNotFoundException => (ExitCodes.BadInput, reason.Message),
        UnauthorizedAccessException or IOException => (ExitCodes.BadInput, reason.Message),
        NodeLostException or OperationCanceledException => (ExitCodes.Broken, reason.Message),
        SimulationFailedException => (ExitCodes.Internal, $"internal error: {reason.Message}\n{reason.InnerException?.StackTrace}"),
        AggregateException { InnerException: { } inner } => Explain(inner),
        _ => (ExitCodes.Internal, $"internal error: {reason.Message} ({reason.GetType().Name})\n{reason.StackTrace}"),
    };
}
