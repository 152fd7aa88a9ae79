using System.CommandLine;
using System.CommandLine.Invocation;
using VmSim.Core.Settings;
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
        SweepCommand.Create,
        AtlasCommand.Create,
        CompareCommand.Create,
        ServeCommand.Create,
        TokensCommand.Create,
        SubmitCommand.Create,
        JobCommands.CreateJobs,
        JobCommands.CreateStatus,
        JobCommands.CreateLogs,
        JobCommands.CreateCancel,
        JobCommands.CreateResult,
        JobCommands.CreateNodes,
        NodeCommand.Create,
        CertsCommand.Create,
        ReportCommand.Create,
        ShowCommand.Create,
        StepCommand.Create,
        ReplayCommand.Create,
        TlbCommand.Create,
        ValidateCommand.Create,
        CalibrateCommand.Create,
        FuzzCommand.Create,
        ExploreCommand.Create,
        ListCommand.Create,
        CaptureCommand.Create,
        ImportCommand.Create,
        TraceCommand.Create,
        CompletionCommand.Create,
        SweepWorkerCommand.Create,
        JobWorkerCommand.Create,
        CheckWorkerCommand.Create,
    ];

    /// <summary>Runs one command line.</summary>
    /// <param name="args">The arguments.</param>
    /// <param name="output">Where results go.</param>
    /// <param name="error">Where progress and messages go.</param>
    /// <returns>An exit code of <see cref="ExitCodes"/>.</returns>
    public static async Task<int> RunAsync(string[] args, TextWriter output, TextWriter error)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(error);
        output = new PlainWriter(output);
        error = new PlainWriter(error, mayFail: true);
        try
        {
            // The program's name alone asks what there is.
            ParseResult parsed = Root(output, error).Parse(args.Length == 0 ? ["--help"] : args);
            if (parsed.Errors.Count > 0)
            {
                foreach (string problem in Problems(parsed))
                {
                    await error.WriteLineAsync($"vmsim: {problem}");
                }

                await error.WriteLineAsync($"Try: vmsim {string.Concat(PathOf(parsed).Select(name => name + " "))}--help");
                return ExitCodes.Usage;
            }

            InvocationConfiguration invocation = new()
            {
                Output = output,
                Error = error,
                EnableDefaultExceptionHandler = false,

                // Signals are answered by Interruption.
                ProcessTerminationTimeout = null,
            };
            bool heeds = parsed.Action is AsynchronousCommandLineAction;
            using IDisposable? scope = heeds ? null : Interruption.AtOnce();
            int code = await parsed.InvokeAsync(invocation, Interruption.Token);
            return Interruption.ExitCode != 0 ? Interruption.ExitCode : code;
        }
        catch (ReaderGoneException)
        {
            return ExitCodes.ReaderGone;
        }
        catch (Exception reason)
        {
            (int code, string message) = Failures.Explain(reason);
            await error.WriteLineAsync($"vmsim: {message}");
            return Interruption.ExitCode != 0 ? Interruption.ExitCode : code;
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

    /// <summary>What is wrong with a command line; a word where a command should stand is answered with the nearest one.</summary>
    private static IEnumerable<string> Problems(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        if (command.Subcommands.Count == 0 || parsed.UnmatchedTokens.FirstOrDefault(token => !token.StartsWith('-')) is not { } word)
        {
            return parsed.Errors.Select(problem => problem.Message);
        }

        IReadOnlyList<string> names = [.. command.Subcommands.Where(each => !each.Hidden).Select(each => each.Name)];
        string hint = NearestName.Of(word, names) is { } nearest ? $"did you mean {nearest}?" : $"there are {string.Join(", ", names)}";
        return [$"there is no command {string.Concat(PathOf(parsed).Select(name => name + " "))}{word}; {hint}"];
    }

    /// <summary>The names of the command that was understood, without the program's own.</summary>
    private static IEnumerable<string> PathOf(ParseResult parsed)
    {
        Stack<string> names = [];
        for (System.CommandLine.Parsing.SymbolResult? at = parsed.CommandResult; at is not null; at = at.Parent)
        {
            if (at is System.CommandLine.Parsing.CommandResult { Command: not RootCommand } result)
            {
                names.Push(result.Command.Name);
            }
        }

        return names;
    }
}
