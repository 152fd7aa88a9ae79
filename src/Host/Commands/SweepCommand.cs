using System.CommandLine;
using VmSim.Host.Sweeps;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim sweep</c>: many runs that differ in settings and seeds, and what they say together.</summary>
internal static class SweepCommand
{
    public static Command Create(TextWriter output, TextWriter error)
    {
        SweepArguments arguments = new();
        Command command = new("sweep", "Runs a scenario with many settings and seeds; tables, curves and crossings of what they give.");
        arguments.AddTo(command);
        command.SetAction((parsed, cancellation) =>
        {
            SweepSession session = arguments.Read(parsed);
            return arguments.IsDryRun(parsed)
                ? Task.FromResult(session.List(output, error))
                : session.CarryOutAsync(output, error, cancellation);
        });
        return command;
    }
}
