using System.CommandLine;
using System.Text;
using VmSim.Host.Service;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim job-worker</c>: makes a job for the service that started it as its child.</summary>
internal static class JobWorkerCommand
{
    public static Command Create(TextWriter output, TextWriter error)
    {
        Command command = new("job-worker", "Makes a job for the service that started this process.") { Hidden = true };
        command.SetAction(async (_, cancellation) =>
        {
            // A terminal's Ctrl-C is the parent's to answer; it ends this process by its standard input.
            Interruption.IsParents = true;
            using IDisposable work = Interruption.Work();
            using StreamReader input = new(Console.OpenStandardInput(), Encoding.UTF8);
            return await new JobWorker(input, output).ServeAsync(cancellation);
        });
        return command;
    }
}
