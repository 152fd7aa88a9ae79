using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace VmSim.Host.Service;

/// <summary>What a form of a submission has in its fields, as it was written.</summary>
internal sealed record SubmitFields
{
    /// <summary>A scenario to begin with.</summary>
    public const string Example =
        """
        name = first
        machine.cores = 4
        until = 100ms

        # Each thread maps, touches and unmaps its pages, so that the cores interrupt each other.
        processes = [
          { program = map-touch-unmap, threads = 4, iterations = 1000, pages = 16 }
        ]

        """;

    /// <summary>The text.</summary>
    public string Scenario { get; init; } = Example;

    /// <summary>What to call the job; empty for the scenario's name.</summary>
    public string Name { get; init; } = "";

    /// <summary>Its priority.</summary>
    public string Priority { get; init; } = $"{JobLimits.PriorityUsual}";

    /// <summary>The most memory; empty for what the service allows.</summary>
    public string Memory { get; init; } = "";

    /// <summary>The longest wall time; empty for what the service allows.</summary>
    public string Time { get; init; } = "";

    /// <summary>The longest virtual time; empty for what the service allows.</summary>
    public string VirtualTime { get; init; } = "";

    /// <summary>Whether it is only to be checked.</summary>
    public bool IsCheck { get; init; }

    /// <summary>Those of a form. Ends of lines are as a scenario has them, whatever a browser sends.</summary>
    public static SubmitFields Of(IFormCollection form) => new()
    {
        Scenario = $"{form["scenario"]}".ReplaceLineEndings("\n"),
        Name = $"{form["name"]}".Trim(),
        Priority = $"{form["priority"]}".Trim(),
        Memory = $"{form["memory"]}".Trim(),
        Time = $"{form["time"]}".Trim(),
        VirtualTime = $"{form["virtual"]}".Trim(),
        IsCheck = form["do"] == "check",
    };

    /// <summary>The submission of a scenario that has been checked.</summary>
    /// <param name="checked">What the check found.</param>
    /// <param name="problem">What is wrong with the other fields; empty if nothing is.</param>
    public JobRequest? Request(CheckAnswer @checked, out string problem)
    {
        double? bytes = Bound("memory", Memory, BoundText.Memory, out problem);
        string wrong = problem;
        double? seconds = Bound("time", Time, BoundText.Time, out problem);
        wrong = wrong.Length > 0 ? wrong : problem;
        double? virtualSeconds = Bound("virtual time", VirtualTime, BoundText.Virtual, out problem);
        wrong = wrong.Length > 0 ? wrong : problem;
        if (!int.TryParse(Priority, NumberStyles.None, CultureInfo.InvariantCulture, out int priority))
        {
            wrong = wrong.Length > 0 ? wrong : $"priority: a whole number of 0 to {JobLimits.PriorityMax} is needed";
        }

        problem = wrong;
        return wrong.Length > 0
            ? null
            : new JobRequest(
                Name.Length > 0 ? Name : @checked.Name,
                [new RunRequest("", @checked.Text, [], @checked.Bytes, @checked.SharedBytes)],
                priority,
                new JobBounds((long?)bytes, seconds, virtualSeconds),
                Needs: RunDraft.Needs(@checked.InAll, @checked.UntilSeconds));
    }

    private static double? Bound(string name, string text, BoundText bound, out string problem)
    {
        problem = "";
        return text.Length == 0 ? null : bound.Parse(name, text, out problem);
    }
}
