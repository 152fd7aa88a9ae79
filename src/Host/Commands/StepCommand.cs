using System.CommandLine;
using VmSim.Core.Engine;
using VmSim.Core.Exploring;
using VmSim.Core.Scenarios;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim step</c>: a run message by message, by commands that are typed or come from a file.</summary>
internal static class StepCommand
{
    public static Command Create(TextWriter output, TextWriter error)
    {
        WorldArguments arguments = new();
        Option<bool> check = new("--check") { Description = "Watch every translation with the checker, and stop where a rule is broken." };
        Command command = new("step", "Runs message by message, by commands from standard input; `help` lists them.") { check };
        arguments.AddTo(command);
        command.SetAction((parsed, cancellation) => Task.Run(
            () =>
            {
                ScenarioSpec scenario = arguments.Read(parsed, out long? at);
                using World world = new(scenario, parsed.GetValue(check));
                // Who waits for a line has nothing that is worth finishing.
                using IDisposable ending = Interruption.AtOnce();
                StepSession session = new(new MessageSteps(world), output, cancellation);
                if (at is { } time)
                {
                    session.Until(time, shows: false);
                }

                StandardInput.Require();
                return session.Run(Console.In);
            },
            CancellationToken.None));
        return command;
    }
}
