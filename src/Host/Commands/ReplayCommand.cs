using System.CommandLine;
using VmSim.Core.Mapping.Scripts;
using VmSim.Core.Settings;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim replay</c>: runs a script of operations on one memory set.</summary>
internal static class ReplayCommand
{
    private const string StandardInput = "-";

    /// <summary>Makes the command.</summary>
    public static Command Create(TextWriter output)
    {
        Argument<string> file = new("file") { Description = "Script of operations, one a line; - for standard input." };
        Command command = new("replay", "Runs a script of operations on one memory set and prints a result for each.") { file };
        command.SetAction(parsed =>
        {
            string path = parsed.GetValue(file)!;
            if (path != StandardInput && !File.Exists(path))
            {
                throw new ScenarioException($"{path}: there is no such script");
            }

            using TextReader script = path == StandardInput ? Console.In : new StreamReader(path);
            try
            {
                OperationScript.Run(script, output);
            }
            catch (ScriptException reason)
            {
                throw new ScenarioException($"{(path == StandardInput ? "standard input" : path)}: {reason.Message}", reason);
            }

            return ExitCodes.Ok;
        });
        return command;
    }
}
