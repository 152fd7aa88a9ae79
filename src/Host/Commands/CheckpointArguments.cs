using System.CommandLine;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Host.Files;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary>When a run is written down, where to, and what it goes on from, on the command line.</summary>
internal sealed class CheckpointArguments
{
    private const string EveryOption = "--checkpoint";
    private const string VirtualOption = "--checkpoint-virtual";

    private readonly Option<TimeSpan> _every = TimeOption.Create(
        EveryOption, "Write a checkpoint so often, in wall time: 60s, 5min, 1h. Never changes results.");

    private readonly Option<string?> _virtual = new(VirtualOption)
    {
        Description = "Write a checkpoint so often, in virtual time: 10ms, 1000000 (cycles). Never changes results.",
        HelpName = "TIME",
    };

    private readonly Option<string?> _to = new(CheckpointFile.Option)
    {
        Description = "File of the last checkpoint, also written at Ctrl-C and SIGTERM; run.checkpoint in the folder of --out by default.",
        HelpName = "FILE",
    };

    private readonly Option<string?> _resume = new(CheckpointFile.ResumeOption)
    {
        Description = "Go on from a checkpoint of the same run, on any number of threads; only until may differ.",
        HelpName = "FILE",
    };

    /// <summary>Gives the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_every, _virtual, _to, _resume])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Reads the command line.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="folder">The folder of the run's files; null for none.</param>
    /// <param name="ghz">The clock of the run.</param>
    /// <exception cref="UsageException">An option is wrong, or there is no file to write to.</exception>
    public CheckpointPlan Read(ParseResult parsed, string? folder, double ghz)
    {
        TimeSpan every = parsed.GetValue(_every);
        long cycles = parsed.GetValue(_virtual) is { } text ? ParseVirtual(text, ghz) : 0;
        string? path = parsed.GetValue(_to);
        if (path is null && (every > TimeSpan.Zero || cycles > 0))
        {
            path = folder is null
                ? throw new UsageException($"{EveryOption}: there is no file for checkpoints; name one: {CheckpointFile.Option} FILE")
                : Path.Combine(folder, CheckpointPlan.DefaultName);
        }

        return new CheckpointPlan(every, cycles, path, parsed.GetValue(_resume));
    }

    private static long ParseVirtual(string text, double ghz)
    {
        SettingAttribute range = new("Virtual time between checkpoints.")
        {
            Unit = SettingUnit.Cycles,
            Min = 1,
            Max = ScenarioSpec.MaxUntil,
        };
        return SettingValues.TryParse(text, typeof(long), range, ghz, out object? value)
            ? (long)value!
            : throw new UsageException($"{VirtualOption}: \"{text}\" found; allowed: {SettingValues.Allowed(typeof(long), range)}");
    }
}
