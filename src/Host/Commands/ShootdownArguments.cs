using System.CommandLine;
using VmSim.Actors.Configuration;
using VmSim.Core.Exploring;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Host.Files;
using VmSim.Host.Reporting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary>
/// One shootdown of an earlier run, on the command line of <c>vmsim report</c>. The run's settings are simulated again up to it, which
/// gives the same shootdown: a run keeps no single messages.
/// </summary>
internal sealed class ShootdownArguments
{
    private const string SvgOption = "--svg";

    private readonly Option<long?> _number = new("--shootdown")
    {
        Description = "Shows one shootdown, message by message: its number, as in shootdowns.csv. The run is simulated again up to it.",
        HelpName = "N",
    };

    private readonly Option<string?> _process = new("--process")
    {
        Description = "The process of the shootdown, by name or number; needed if there are several.",
        HelpName = "NAME",
    };

    private readonly Option<string?> _svg = new(SvgOption)
    {
        Description = "Draws the shootdown as a sequence diagram.",
        HelpName = "FILE.svg",
    };

    /// <summary>Gives the options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(_number);
        command.Options.Add(_process);
        command.Options.Add(_svg);
    }

    /// <summary>Shows the shootdown that is named, if one is.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="report">The report of the run.</param>
    /// <param name="settings">The effective settings of the run.</param>
    /// <param name="others">Whether something else is asked for that would be shown in its place.</param>
    /// <param name="output">Where lines go.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>Whether one was named.</returns>
    /// <exception cref="UsageException">There is no such shootdown or process, or only a part of the options is there.</exception>
    /// <exception cref="ScenarioException">The run's settings, or what they name, cannot be read.</exception>
    public bool Show(
        ParseResult parsed, RunReport report, string settings, bool others, TextWriter output, CancellationToken cancellation)
    {
        if (parsed.GetValue(_number) is not { } number)
        {
            return parsed.GetValue(_process) is null && parsed.GetValue(_svg) is null
                ? false
                : throw new UsageException($"{SvgOption} and {_process.Name} show a shootdown; name it: {_number.Name} N");
        }

        if (others)
        {
            throw new UsageException($"{_number.Name} shows one shootdown and --by ranks causes; give one of them");
        }

        int space = SpaceOf(report, parsed.GetValue(_process));
        ScenarioSpec scenario = ScenarioLoader.Load(settings, []);
        ShootdownStory? found = ShootdownStory.Find(scenario, space, number, cancellation);
        if (found is null && cancellation.IsCancellationRequested)
        {
            // Whether there is one is not known; the signal's exit code says the rest.
            return true;
        }

        if (found is not { } story)
        {
            throw new UsageException(
                $"{_number.Name}: {number} found; {report.AddressSpaces[space].Name} has no shootdown of this number "
                    + "(vmsim run --shootdowns lists them)");
        }

        ShootdownView view = new(story, scenario.Machine.Ghz);
        if (parsed.GetValue(_svg) is { } path)
        {
            using OutputFile file = new(path, SvgOption, settings);
            using (StreamWriter writer = new(file.Stream, leaveOpen: true))
            {
                view.Diagram().Write(writer);
            }

            file.Complete();
        }

        // Last: who reads the lines may go before their end.
        foreach (string line in view.Lines())
        {
            output.WriteLine(line);
        }

        return true;
    }

    private int SpaceOf(RunReport report, string? name)
    {
        int count = report.AddressSpaces.Count;
        int found = name is null && count == 1 ? 0
            : int.TryParse(name, out int number) && number >= 0 && number < count ? number
            : report.AddressSpaces.ToList().FindIndex(space => space.Name == name);
        return found >= 0
            ? found
            : throw new UsageException(
                $"{_process.Name}: {(name is null ? "nothing" : $"\"{name}\"")} found; "
                    + $"{string.Join(", ", report.AddressSpaces.Take(8).Select(space => space.Name))}{(count > 8 ? ", ..." : "")}, "
                    + $"or a number below {count}, are allowed");
    }
}
