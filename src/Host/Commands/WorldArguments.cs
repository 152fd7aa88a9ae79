using System.CommandLine;
using VmSim.Actors.Configuration;
using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary>What <c>show</c> and <c>step</c> have in common: a scenario, and which core, process and address to look at.</summary>
internal sealed class WorldArguments
{
    private static readonly SettingAttribute Time = new("A time of the run.")
    {
        Unit = SettingUnit.Cycles,
        Min = 1,
        Max = ScenarioSpec.MaxUntil,
    };

    private readonly Argument<string> _scenario = new("scenario")
    {
        Description = "Scenario file, or trace to run with the default profiles.",
    };
    private readonly Option<string[]> _set = new("--set")
    {
        Description = "Change a setting: --set machine.cores=16. May be repeated.",
        HelpName = "key=value",
    };
    private readonly Option<string?> _at = new("--at") { Description = "Virtual time: 1.2ms, 500us, or cycles.", HelpName = "TIME" };

    /// <summary>Gives the arguments to a command.</summary>
    public void AddTo(Command command)
    {
        Suggestions.Offer(_scenario, Suggestions.Scenarios);
        _set.CompletionSources.Add(Suggestions.Settings);
        command.Arguments.Add(_scenario);
        command.Options.Add(_set);
        command.Options.Add(_at);
    }

    /// <summary>Reads the scenario; it ends at the time that was named.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="at">The time in cycles; null for none.</param>
    public ScenarioSpec Read(ParseResult parsed, out long? at)
    {
        ScenarioSpec scenario = ScenarioLoader.Load(parsed.GetValue(_scenario)!, parsed.GetValue(_set) ?? []);
        at = parsed.GetValue(_at) is { } text ? ParseTime("--at", text, scenario.Machine.Ghz) : null;
        return scenario;
    }

    /// <summary>Cycles from a text.</summary>
    /// <exception cref="UsageException">It is none.</exception>
    public static long ParseTime(string what, string text, double ghz) =>
        SettingValues.TryParse(text, typeof(long), Time, ghz, out object? value)
            ? (long)value!
            : throw new UsageException($"{what}: \"{text}\" found; cycles from 1 on, or a time in ns, us, ms or s, are allowed");

    /// <summary>The process of a name or number.</summary>
    /// <exception cref="UsageException">There is none.</exception>
    public static AddressSpace SpaceOf(World world, string text) =>
        world.Spaces.FirstOrDefault(space => space.Name == text)
            ?? (int.TryParse(text, out int number) && number >= 0 && number < world.Spaces.Count ? world.Spaces[number] : null)
            ?? throw new UsageException(
                $"--space: \"{text}\" found; {string.Join(", ", world.Spaces.Take(8).Select(space => space.Name))}"
                    + $"{(world.Spaces.Count > 8 ? ", ..." : "")}, or a number below {world.Spaces.Count}, are allowed");

    /// <summary>The core of a number.</summary>
    /// <exception cref="UsageException">There is none.</exception>
    public static CoreModel CoreOf(World world, int number) => number < world.Cores.Count
        ? world.Cores[number]
        : throw new UsageException($"--core: {number} found; 0 to {world.Cores.Count - 1} are allowed");

    /// <summary>An address in hexadecimal digits.</summary>
    /// <exception cref="UsageException">It is none.</exception>
    public static VirtAddr AddressOf(string text) => ulong.TryParse(
        text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? text.AsSpan(2) : text,
        System.Globalization.NumberStyles.AllowHexSpecifier,
        System.Globalization.CultureInfo.InvariantCulture,
        out ulong value)
            ? new VirtAddr(value)
            : throw new UsageException($"--address: \"{text}\" found; hexadecimal digits are allowed");
}
