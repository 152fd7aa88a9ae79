using System.CommandLine;
using System.Text;
using VmSim.Host.Service;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim check-worker</c>: checks scenarios for the service that started it as its child.</summary>
internal static class CheckWorkerCommand
{
    public static Command Create(TextWriter output, TextWriter error)
    {
        Command command = new("check-worker", "Checks scenarios for the service that started this process.") { Hidden = true };
        command.SetAction(async (_, _) =>
        {
            // A terminal's Ctrl-C is the parent's to answer; it ends this process by its standard input.
            Interruption.IsParents = true;
            using StreamReader input = new(Console.OpenStandardInput(), Encoding.UTF8);
            return await new ScenarioChecker(input, output).ServeAsync();
        });
        return command;
    }
}
