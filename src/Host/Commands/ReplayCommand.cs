using System.CommandLine;
using VmSim.Actors.Configuration;
using VmSim.Core.Mapping.Scripts;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim replay</c>: runs a script of operations on one memory set.</summary>
internal static class ReplayCommand
{
    private const string FromInput = "-";

    public static Command Create(TextWriter output, TextWriter error)
    {
        Argument<string> file = new("file") { Description = "Script of operations, one a line; - for standard input." };
        Command command = new("replay", "Runs a script of operations on one memory set and prints a result for each.") { file };
        command.SetAction(parsed =>
        {
            string path = ConfigFiles.Locate(parsed.GetValue(file)!);
            if (path != FromInput && !File.Exists(path))
            {
                throw new FileNotFoundException($"{path}: there is no such script");
            }

            using StreamReader script = path == FromInput ? new StreamReader(StandardInput.Open()) : new StreamReader(path);
            OperationScript.Run(script, output, path == FromInput ? "standard input" : path);
            return ExitCodes.Ok;
        });
        return command;
    }
}
