namespace VmSim.Host.Sweeps;

/// <summary>What a sweep asks of one of its processes, as a line of JSON.</summary>
/// <param name="Scenario">The base scenario.</param>
/// <param name="Sets">Settings over it.</param>
/// <param name="FitsSockets">Whether a machine with fewer cores than sockets gets fewer sockets.</param>
/// <param name="Runs">The folder in which runs have a folder each, which is called by the run's digest.</param>
/// <param name="Lists">Names of the lists that the folder has to have.</param>
internal sealed record SweepRequest(
    string Scenario, IReadOnlyList<string> Sets, bool FitsSockets, string Runs, IReadOnlyList<string> Lists);

/// <summary>What the process answers, as a line of JSON.</summary>
/// <param name="Digest">The run's digest; empty if it could not be made.</param>
/// <param name="WasThere">Whether the run was there and was not made again.</param>
/// <param name="PeakBytes">The most memory that the process has had.</param>
/// <param name="Code">An exit code of <see cref="Terminal.ExitCodes"/> that says how the run failed; 0 if it did not.</param>
/// <param name="Error">Why it failed; empty if it did not.</param>
/// <param name="LeftOut">Shootdowns, faults and calls that are not in the lists, since there were too many.</param>
internal sealed record SweepAnswer(string Digest, bool WasThere, long PeakBytes, int Code, string Error, long LeftOut = 0);
