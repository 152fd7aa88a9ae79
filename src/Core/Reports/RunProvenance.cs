namespace VmSim.Core.Reports;

/// <summary>What a report was made from: the same gives the same report again.</summary>
/// <param name="Version">Version of the program.</param>
/// <param name="Commit">The commit that it was built from; empty where that is not known.</param>
/// <param name="Build">Its build: two of one version may differ.</param>
/// <param name="Digest">Digest of all that decides what the run finds: settings, files and build; empty if a file has none.</param>
/// <param name="Files">Traces and plug-ins, in the order of the scenario.</param>
public sealed record RunProvenance(
    string Version, string Commit, string Build, string Digest, IReadOnlyList<RunFile> Files);

/// <summary>A file that a run reads.</summary>
/// <param name="Path">Where it was, seen from the folder that the run was started in; where only its content is known, its name.</param>
/// <param name="Digest">SHA-256 of its bytes, in hexadecimal; empty for a pipe.</param>
public sealed record RunFile(string Path, string Digest);
