using System.CommandLine;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim check</c>: runs a scenario or a trace under the translation checker.</summary>
internal static class CheckCommand
{
    public static Command Create(TextWriter output, TextWriter error)
    {
        RunArguments arguments = new();
        Command command = new("check", "Runs with the translation checker; exit code 1 if a rule is broken.");
        arguments.AddTo(command);
        command.SetAction((parsed, cancellation) => arguments.Read(parsed, check: true).CarryOutAsync(output, error, cancellation));
        return command;
    }
}
