using System.Collections.Concurrent;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using VmSim.Actors.Cluster;
using VmSim.Actors.Configuration;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Host.Files;

namespace VmSim.Host.Hosting;

/// <summary>The digest by which a run is known again, whoever made it.</summary>
internal static class RunDigest
{
    /// <summary>Characters of a digest, by which folders are called: 64 bits.</summary>
    public const int Length = 16;

    /// <summary>Digests of files that were read before, by path, length and time of the last change.</summary>
    private static readonly ConcurrentDictionary<(string Path, long Length, DateTime Changed), string> Digests = new();

    /// <summary>The text of <c>effective.conf</c>.</summary>
    public static string Effective(ScenarioSpec spec)
    {
        using StringWriter text = new();
        EffectiveConfiguration.Write(spec, text);
        return text.ToString();
    }

    /// <summary>
    /// A digest of all that decides what a run finds: every setting, the bytes of its traces and plug-ins, and the build of this program.
    /// What is expected of the report is no part of it.
    /// </summary>
    public static string Of(ScenarioSpec spec)
    {
        StringBuilder text = new(BuildIdentity.Here);
        text.Append('\n').Append(Effective(spec with { Expect = [] }));
        foreach (string file in RunPlan.FilesOf(spec))
        {
            text.Append(OfFile(file)).Append('\n');
        }

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())))[..Length];
    }

    /// <summary>
    /// What a run of a scenario is made from. A pipe has no digest, since it can be read only once, nor has a run of one.
    /// </summary>
    /// <param name="spec">The scenario.</param>
    /// <param name="nameOf">What to call a file, by its path.</param>
    public static RunProvenance Provenance(ScenarioSpec spec, Func<string, string> nameOf)
    {
        RunFile[] files =
        [
            .. RunPlan.FilesOf(spec).Select(
                file => new RunFile(nameOf(file), FileStatus.Of(file).Kind == FileKind.Regular ? OfFile(file) : "")),
        ];
        string[] version = [.. Version.Split('+'), ""];
        string digest = files.All(file => file.Digest.Length > 0) ? Of(spec) : "";
        return new RunProvenance(version[0], version[1], BuildIdentity.Here, digest, files);
    }

    /// <summary>A file's path seen from the folder that this process was started in.</summary>
    public static string FromHere(string path) => Path.GetRelativePath(Environment.CurrentDirectory, path);

    /// <summary>The version, and behind a plus sign the commit.</summary>
    private static string Version { get; } = typeof(RunDigest).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    private static string OfFile(string path)
    {
        FileInfo info = new(path);
        return Digests.GetOrAdd((info.FullName, info.Length, info.LastWriteTimeUtc), key => RunInput.Of(key.Path).Digest);
    }

    /// <summary>The same digest for runs that differ in their end alone: one goes on from a checkpoint of the other.</summary>
    public static string WithoutEnd(ScenarioSpec spec) => Of(spec with { Until = 0 });
}
