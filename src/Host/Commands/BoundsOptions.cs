using System.CommandLine;
using System.CommandLine.Parsing;
using VmSim.Host.Service;

namespace VmSim.Host.Commands;

/// <summary><c>--max-memory</c>, <c>--max-time</c> and <c>--max-virtual-time</c>: what a job may take at most.</summary>
internal sealed class BoundsOptions
{
    private readonly Option<double?> _memory;
    private readonly Option<TimeSpan> _time;
    private readonly Option<double?> _virtual;

    /// <summary>Makes the options.</summary>
    /// <param name="who">Whom they hold for, in the help.</param>
    public BoundsOptions(string who)
    {
        _memory = Create("--max-memory", "SIZE", $"Memory of the process of {who}; over it the job has failed.", BoundText.Memory);
        _time = TimeOption.Create("--max-time", $"Wall time of {who}, by attempt; over it the job has failed.");
        _virtual = Create(
            "--max-virtual-time", "TIME", $"Virtual time of {who}; over it the job has failed.", BoundText.Virtual);
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

    /// <summary>An option that is a number with a unit.</summary>
    /// <param name="name">Its name, with the dashes.</param>
    /// <param name="kind">What it is, in the help.</param>
    /// <param name="description">What it does.</param>
    /// <param name="bound">How it is written.</param>
    internal static Option<double?> Create(string name, string kind, string description, BoundText bound) => new(name)
    {
        Description = description,
        HelpName = kind,
        CustomParser = result => Parse(result, name, bound),
    };

    private static double? Parse(ArgumentResult result, string name, BoundText bound)
    {
        double? value = bound.Parse(name, result.Tokens.Count == 1 ? result.Tokens[0].Value : "nothing", out string problem);
        if (value is null)
        {
            result.AddError(problem);
        }

        return value;
    }
}
