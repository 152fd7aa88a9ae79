using System.Globalization;

namespace VmSim.Actors.Exploring;

/// <summary>How far worlds have been explored: all of the first ones, and what they took.</summary>
/// <param name="Key">What is explored, in words; a state is good for the same alone.</param>
/// <param name="Worlds">Worlds that are done, the first ones in order.</param>
/// <param name="Schedules">Runs that were made of them.</param>
/// <param name="States">Orders that were different.</param>
public sealed record ExploreState(string Key, long Worlds, long Schedules, long States)
{
    private const string Head = "vmsim explore 1";

    /// <summary>The state as the text of a file.</summary>
    public string Text => string.Create(
        CultureInfo.InvariantCulture, $"{Head}\n{Key}\nworlds {Worlds}\nschedules {Schedules}\nstates {States}\n");

    /// <summary>Reads a state.</summary>
    /// <param name="text">The text of a file.</param>
    /// <param name="key">What is explored.</param>
    /// <param name="problem">Why it is no state of that; empty if it is.</param>
    /// <returns>Null if it is no state of that.</returns>
    public static ExploreState? Read(string text, string key, out string problem)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] lines = text.Split('\n');
        if (lines.Length < 5 || lines[0] != Head || !Number(lines[2], "worlds ", out long worlds)
            || !Number(lines[3], "schedules ", out long schedules) || !Number(lines[4], "states ", out long states))
        {
            problem = $"this is no state of vmsim explore: its first line must be \"{Head}\", and numbers of worlds, schedules and "
                + "states follow";
            return null;
        }

        problem = lines[1] == key ? "" : $"it is of \"{lines[1]}\"; a state of \"{key}\" is needed, or a file that is not there yet";
        return problem.Length == 0 ? new ExploreState(key, worlds, schedules, states) : null;
    }

    private static bool Number(string line, string name, out long number)
    {
        number = 0;
        return line.StartsWith(name, StringComparison.Ordinal)
            && long.TryParse(line.AsSpan(name.Length), NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }
}
