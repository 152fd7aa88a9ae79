using System.CommandLine;
using System.Text;
using VmSim.Host.Sweeps;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim sweep-worker</c>: makes runs for a sweep that started it as its child.</summary>
internal static class SweepWorkerCommand
{
    public static Command Create(TextWriter output, TextWriter error)
    {
        Option<int> threads = RunArguments.Threads();
        Command command = new("sweep-worker", "Makes runs for the sweep that started this process.") { threads };
        command.Hidden = true;
        command.SetAction(async (parsed, _) =>
        {
            // A terminal's Ctrl-C is the parent's to answer; it ends this process by its standard input.
            Interruption.IsParents = true;
            using StreamReader input = new(Console.OpenStandardInput(), Encoding.UTF8);
            return await new SweepWorker(input, output, Math.Max(1, parsed.GetValue(threads))).ServeAsync();
        });
        return command;
    }
}
