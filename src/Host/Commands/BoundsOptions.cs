using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using VmSim.Host.Service;

namespace VmSim.Host.Commands;

/// <summary><c>--max-memory</c>, <c>--max-time</c> and <c>--max-virtual-time</c>: what a job may take at most.</summary>
internal sealed class BoundsOptions
{
    private static readonly Dictionary<string, double> Sizes = new(StringComparer.Ordinal)
    {
        ["MiB"] = 1L << 20,
        ["GiB"] = 1L << 30,
        ["TiB"] = 1L << 40,
    };

    private static readonly Dictionary<string, double> Times = new(StringComparer.Ordinal)
    {
        ["us"] = 1e-6,
        ["ms"] = 1e-3,
        ["s"] = 1,
        ["min"] = 60,
    };

    private readonly Option<double?> _memory;
    private readonly Option<TimeSpan> _time;
    private readonly Option<double?> _virtual;

    /// <summary>Makes the options.</summary>
    /// <param name="who">Whom they hold for, in the help.</param>
    public BoundsOptions(string who)
    {
        _memory = Create("--max-memory", "SIZE", $"Memory of the process of {who}; over it the job has failed.", Sizes, "1GiB", 1L << 60);
        _time = TimeOption.Create("--max-time", $"Wall time of {who}, by attempt; over it the job has failed.");
        _virtual = Create(
            "--max-virtual-time", "TIME", $"Virtual time of {who}; over it the job has failed.", Times, "500ms", JobBounds.SecondsMost);
    }

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(_memory);
        command.Options.Add(_time);
        command.Options.Add(_virtual);
    }

    /// <summary>What they say.</summary>
    public JobBounds Read(ParseResult parsed) => new(
        parsed.GetValue(_memory) is { } bytes ? (long)bytes : null,
        parsed.GetValue(_time) is { Ticks: > 0 } time ? time.TotalSeconds : null,
        parsed.GetValue(_virtual));

    private static Option<double?> Create(
        string name, string kind, string description, Dictionary<string, double> units, string example, double most) => new(name)
        {
            Description = description,
            HelpName = kind,
            CustomParser = result => Parse(result, name, units, example, most),
        };

    private static double? Parse(ArgumentResult result, string name, Dictionary<string, double> units, string example, double most)
    {
        string text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "nothing";
        int digits = text.AsSpan().TrimEnd("abcdefghijklmnopqrstuvwxyzBGMT").Length;
        if (double.TryParse(text[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number)
            && units.TryGetValue(text[digits..], out double unit) && number > 0 && number * unit <= most)
        {
            return number * unit;
        }

        result.AddError($"{name}: \"{text}\" found; a number with a unit ({string.Join(", ", units.Keys)}) is allowed, such as {example}");
        return null;
    }
}
