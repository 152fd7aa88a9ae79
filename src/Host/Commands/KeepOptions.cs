using System.CommandLine;
using VmSim.Host.Service;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary><c>--keep-results</c>, <c>--keep-bytes</c> and <c>--keep-jobs</c>: what a service keeps of what is over.</summary>
internal sealed class KeepOptions
{
    /// <summary>A century.</summary>
    private const double SecondsMost = 36_500.0 * 86_400;

    private static readonly Dictionary<string, double> Times = new(StringComparer.Ordinal) { ["h"] = 3_600, ["d"] = 86_400 };

    private readonly Option<double?> _results = BoundsOptions.Create(
        "--keep-results",
        "TIME",
        "Remove results that nobody has used for so long; all are kept by default.",
        new BoundText("90d", 0, SecondsMost, Times));

    private readonly Option<double?> _bytes = BoundsOptions.Create(
        "--keep-bytes",
        "SIZE",
        "Remove results, the least used first, that are more than so much; all are kept by default.",
        BoundText.Memory with { Example = "200GiB" });

    private readonly Option<double?> _jobs = BoundsOptions.Create(
        "--keep-jobs",
        "TIME",
        "Remove jobs that were over for so long, with their logs, scenarios and traces; all are kept by default.",
        new BoundText("365d", 0, SecondsMost, Times));

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(_results);
        command.Options.Add(_bytes);
        command.Options.Add(_jobs);
    }

    /// <summary>What they say.</summary>
    /// <exception cref="UsageException">A time is shorter than any result is kept, or jobs go before their results.</exception>
    public RetentionRules Read(ParseResult parsed)
    {
        (TimeSpan? results, TimeSpan? jobs) = (TimeOf(parsed, _results), TimeOf(parsed, _jobs));
        return jobs < results
            ? throw new UsageException(
                $"{_jobs.Name}: {Quantities.Seconds(jobs.Value.TotalSeconds)} found; at least what {_results.Name} says is allowed, "
                    + $"{Quantities.Seconds(results.Value.TotalSeconds)}, since a result whose jobs are gone cannot be fetched")
            : new RetentionRules(results, parsed.GetValue(_bytes) is { } bytes ? (long)bytes : null, jobs);
    }

    private static TimeSpan? TimeOf(ParseResult parsed, Option<double?> option) => parsed.GetValue(option) switch
    {
        null => null,
        { } seconds when seconds >= Retention.Grace.TotalSeconds => TimeSpan.FromSeconds(seconds),
        { } seconds => throw new UsageException(
            $"{option.Name}: {Quantities.Seconds(seconds)} found; at least {Quantities.Seconds(Retention.Grace.TotalSeconds)} is allowed"),
    };
}
