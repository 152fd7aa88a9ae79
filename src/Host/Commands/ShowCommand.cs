using System.CommandLine;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Scenarios;
using VmSim.Host.Reporting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim show</c>: the simulated machine as it is at some virtual time.</summary>
internal static class ShowCommand
{
    public static Command Create(TextWriter output, TextWriter error)
    {
        WorldArguments arguments = new();
        Option<int> core = NumberOption.Create("--core", "The core whose TLBs are shown.", 0, int.MaxValue, fallback: -1);
        Option<string?> space = new("--space")
        {
            Description = "The process whose memory is shown, by name or number; all if left out.",
            HelpName = "NAME",
        };
        Option<string?> address = new("--address")
        {
            Description = "An address whose walk is shown, level by level, and which TLBs hold its page.",
            HelpName = "0xADDRESS",
        };
        Option<int> lines = NumberOption.Create("--lines", "Lines of a list or tree at most.", 1, int.MaxValue, fallback: 40);
        Command command = new("show", "Shows cores, areas, page tables and TLBs as they are at a virtual time.")
        {
            core, space, address, lines,
        };
        arguments.AddTo(command);
        command.SetAction((parsed, cancellation) => Task.Run(
            () =>
            {
                ScenarioSpec scenario = arguments.Read(parsed, out long? at);
                using World world = new(at is { } until ? scenario with { Until = until } : scenario);
                AddressSpace[] spaces = parsed.GetValue(space) is { } name ? [WorldArguments.SpaceOf(world, name)] : [.. world.Spaces];
                CoreModel? shown = parsed.GetValue(core) is >= 0 and int number ? WorldArguments.CoreOf(world, number) : null;
                using IDisposable work = Interruption.Work();
                bool finished = new SequentialEngine(world).Run(cancellation: cancellation);
                if (!finished && cancellation.IsCancellationRequested)
                {
                    return ExitCodes.Broken;
                }

                WorldView view = new(world, output, parsed.GetValue(lines));
                string time = at is { } cycle
                    ? $"at cycle {Quantities.Exact(cycle)}, {Quantities.Time(cycle, scenario.Machine.Ghz)}"
                    : "at its end";
                output.WriteLine($"{PlainWriter.Line(scenario.Name)} {time}");
                output.WriteLine();
                view.Cores();
                foreach (AddressSpace one in spaces)
                {
                    view.Space(one);
                    if (parsed.GetValue(address) is { } text)
                    {
                        view.Walk(one, WorldArguments.AddressOf(text));
                    }
                }

                if (shown is not null)
                {
                    view.Mmu(shown);
                }

                return ExitCodes.Ok;
            },
            CancellationToken.None));
        return command;
    }
}
