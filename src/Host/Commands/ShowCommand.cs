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
                Shown shown = new(
                    parsed.GetValue(space), parsed.GetValue(core), parsed.GetValue(address), parsed.GetValue(lines), output);
                ScenarioSpec scenario = arguments.Read(parsed, out long? at);
                using IDisposable work = Interruption.Work();
                return Run(scenario, at, shown, cancellation);
            },
            CancellationToken.None));
        return command;
    }

    /// <summary>
    /// Runs to the time and shows the world. Without a time that is when the last thread ends: of a process that has ended nothing is left.
    /// </summary>
    private static int Run(ScenarioSpec scenario, long? at, Shown shown, CancellationToken cancellation)
    {
        using World world = new(at is { } until ? scenario with { Until = until } : scenario);
        shown.Require(world);
        bool finished = new SequentialEngine(world).Run(cancellation: cancellation);
        if (!finished && cancellation.IsCancellationRequested)
        {
            return ExitCodes.Broken;
        }

        if (at is null && world.LastEnd is { } last)
        {
            return Run(scenario, last.Value, shown, cancellation);
        }

        shown.Show(world, at);
        return ExitCodes.Ok;
    }

    /// <summary>What is shown of a world.</summary>
    private sealed record Shown(string? Space, int Core, string? Address, int Lines, TextWriter Output)
    {
        /// <exception cref="UsageException">A core or process is not there, or the address is none.</exception>
        public void Require(World world)
        {
            _ = SpacesOf(world);
            _ = CoreOf(world);
            _ = Address is { } text ? WorldArguments.AddressOf(text) : default;
        }

        public void Show(World world, long? at)
        {
            WorldView view = new(world, Output, Lines);
            string time = at is { } cycle
                ? $"at cycle {Quantities.Exact(cycle)}, {Quantities.Time(cycle, world.Scenario.Machine.Ghz)}"
                : "at its end";
            Output.WriteLine($"{PlainWriter.Line(world.Scenario.Name)} {time}");
            if (at is { } asked && world.LastEnd is { } last && last.Value < asked)
            {
                Output.WriteLine($"Its last thread ended before that, at cycle {Quantities.Exact(last.Value)}.");
            }

            Output.WriteLine();
            view.Cores();
            foreach (AddressSpace space in SpacesOf(world))
            {
                view.Space(space);
                if (Address is { } text)
                {
                    view.Walk(space, WorldArguments.AddressOf(text));
                }
            }

            if (CoreOf(world) is { } core)
            {
                view.Mmu(core);
            }
        }

        private AddressSpace[] SpacesOf(World world) => Space is { } name ? [WorldArguments.SpaceOf(world, name)] : [.. world.Spaces];

        private CoreModel? CoreOf(World world) => Core >= 0 ? WorldArguments.CoreOf(world, Core) : null;
    }
}
