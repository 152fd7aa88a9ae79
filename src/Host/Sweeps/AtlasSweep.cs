using VmSim.Core.Settings;

namespace VmSim.Host.Sweeps;

/// <summary>A sweep of an atlas: what is run, and what its file says of it.</summary>
/// <param name="Source">The file.</param>
/// <param name="Plan">The sweep.</param>
/// <param name="Text">The lines of the comment that the file begins with.</param>
internal sealed record AtlasSweep(string Source, SweepPlan Plan, IReadOnlyList<string> Text)
{
    private const char Comment = '#';

    /// <summary>Reads the sweeps of a folder, by the order of their files' names.</summary>
    /// <param name="folder">The folder.</param>
    /// <exception cref="ScenarioException">There is no sweep, two have one name, or one cannot be run.</exception>
    public static IReadOnlyList<AtlasSweep> LoadAll(string folder)
    {
        string[] files = Directory.Exists(folder) ? Directory.GetFiles(folder, "*.conf") : [];
        if (files.Length == 0)
        {
            throw new ScenarioException($"{folder}: no sweep found; a folder with a file NAME.conf for each sweep is needed");
        }

        Array.Sort(files, StringComparer.Ordinal);
        List<AtlasSweep> sweeps = [.. files.Select(Load)];
        string? twice = sweeps.GroupBy(sweep => sweep.Plan.Name, StringComparer.Ordinal)
            .FirstOrDefault(group => group.Count() > 1)?.Key;
        return twice is null
            ? sweeps
            : throw new ScenarioException($"{folder}: two sweeps are called {twice}; each needs a name of its own");
    }

    private static AtlasSweep Load(string file)
    {
        string[] comment = [.. File.ReadLines(file).TakeWhile(line => line.StartsWith(Comment))];
        return new AtlasSweep(file, SweepCheck.Complete(SweepFile.Load(file)), [.. comment.Select(line => line.TrimStart(Comment).Trim())]);
    }
}
