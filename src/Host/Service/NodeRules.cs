using VmSim.Actors.Simulation;
using VmSim.Host.Terminal;

namespace VmSim.Host.Service;

/// <summary>What a node's words must be like before anything is done with them.</summary>
internal static class NodeRules
{
    /// <summary>Characters of a node's name.</summary>
    public const int NameMax = 64;

    /// <summary>Characters of a lease and of an instance: 64 bits as lower-case hex digits.</summary>
    public const int LeaseLength = 16;

    /// <summary>Jobs that a node makes at a time.</summary>
    public const int JobsMax = 1_024;

    /// <summary>Lines that a beat has for a job's log.</summary>
    public const int LinesMax = JobLimits.LogLinesMax;

    private const int AddressMax = 256;
    private const int BuildMax = 64;
    private const int LineMax = 4_096;

    /// <summary>What is wrong with a name; null if nothing is.</summary>
    public static string? NameProblem(string name) =>
        name.Length is > 0 and <= NameMax && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.')
            ? null
            : $"name of a node: 1 to {NameMax} letters, digits, and any of - _ . are allowed";

    /// <summary>What is wrong with a beat; null if nothing is.</summary>
    public static string? Problem(NodeBeat beat)
    {
        if (!StoreFolder.IsHex(beat.Instance, LeaseLength) || beat.Number < 1)
        {
            return $"instance, number: {LeaseLength} lower-case hex digits and a number from 1 on are needed";
        }

        if (beat.Build.Length is 0 or > BuildMax || HasControls(beat.Build))
        {
            return $"build: 1 to {BuildMax} characters are allowed";
        }

        if (beat.Jobs is < 1 or > JobsMax || beat.Room < 0 || beat.Room > beat.Jobs)
        {
            return $"jobs, room: 1 to {JobsMax}, and 0 to as many jobs, are allowed";
        }

        if (beat.MemoryBytes < 0 || beat.Threads is < 0 or > Lanes.Max || beat.Host.Length > AddressMax || HasControls(beat.Host))
        {
            return $"memoryBytes, threads, host: none below 0, at most {Lanes.Max} threads, and at most {AddressMax} characters, are "
                + "allowed";
        }

        if (!Enum.IsDefined(beat.State))
        {
            return "state: ready, draining and leaving are allowed";
        }

        if (beat.Claims.Count > JobsMax || beat.Claims.Any(claim => claim is null || !IsWhole(claim)))
        {
            return $"claims: at most {JobsMax}, each with a lease, a progress that is none below 0, and at most "
                + $"{LinesMax} lines of {LineMax} characters, are allowed";
        }

        return beat.Claims.Select(claim => claim.Figures is { } figures ? FigureRules.Problem(figures) : null)
            .FirstOrDefault(problem => problem is not null);
    }

    /// <summary>What is wrong with the end of a job; null if nothing is.</summary>
    public static string? Problem(NodeEnding ending)
    {
        const int OutcomeMax = 64;
        if (ending.Death.Length > LineMax || HasControls(ending.Death))
        {
            return $"death: at most {LineMax} characters, none of which controls a terminal, are allowed";
        }

        return ending.Answer is { } answer
            && (answer.Outcome.Length > OutcomeMax || HasControls(answer.Outcome) || answer.Error.Length > LineMax
                || HasControls(answer.Error) || answer.PeakBytes < 0 || answer.Code is < 0 or > byte.MaxValue
                || !(answer.Digest.Length == 0 || StoreFolder.IsHex(answer.Digest, Hosting.RunDigest.Length)))
            ? $"answer: a digest, an outcome of at most {OutcomeMax} characters, an error of at most {LineMax}, bytes and an exit code "
                + "are allowed"
            : null;
    }

    /// <summary>A text as it may be sent: on one line, without what controls a terminal, and cut where it is too long.</summary>
    public static string Sendable(string text)
    {
        string line = PlainWriter.Line(text);
        return line.Length <= LineMax ? line : $"{line[..(LineMax - 3)]}...";
    }

    /// <summary>Whether a text has characters in it that control a terminal, or change the direction of what follows.</summary>
    internal static bool HasControls(string text) => !string.Equals(PlainWriter.Line(text), text, StringComparison.Ordinal);

    private static bool IsWhole(NodeClaim claim) =>
        StoreFolder.IsHex(claim.Lease, LeaseLength) && claim.Address.Length <= AddressMax && !HasControls(claim.Address)
        && claim.Log.Count <= LinesMax
        && claim.Log.All(line => line is not null && line.Length <= LineMax && !HasControls(line))
        && claim.Progress is null
            or { VirtualSeconds: >= 0 and <= 1e15, Accesses: >= 0, AccessesPerSecond: >= 0 and <= 1e15 };
}
