using System.Text;
using VmSim.Host.Files;
using VmSim.Host.Terminal;

namespace VmSim.Host.Sweeps;

/// <summary>Sweeps of a folder, and the page that they make together.</summary>
/// <param name="folder">The folder of the sweeps.</param>
/// <param name="page">The page.</param>
/// <param name="runs">The folder of the runs, with one for each sweep.</param>
/// <param name="jobs">The most runs at a time.</param>
internal sealed class AtlasSession(string folder, string page, string runs, int jobs)
{
    /// <summary>Name of the file in the folder that the page begins with.</summary>
    public const string HeadName = "head.txt";

    /// <summary>Name of the folder of pictures beside the page.</summary>
    private const string Pictures = "images";

    /// <summary>Makes the runs that are not there, and the page.</summary>
    /// <param name="output">Where a line a sweep goes.</param>
    /// <param name="error">Where progress and messages go.</param>
    /// <param name="cancellation">Ends it; what is done stays, and the page stays as it was.</param>
    /// <returns>An exit code of <see cref="ExitCodes"/>.</returns>
    public async Task<int> CarryOutAsync(TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        IReadOnlyList<AtlasSweep> sweeps = AtlasSweep.LoadAll(folder);
        string head = Path.Combine(folder, HeadName);
        string begin = File.Exists(head) ? await File.ReadAllTextAsync(head, cancellation) : "# Atlas";
        Probe([head, .. sweeps.Select(sweep => sweep.Source)]);
        int worst = ExitCodes.Ok;
        List<(AtlasSweep Sweep, SweepFindings Found)> found = [];
        foreach (AtlasSweep sweep in sweeps)
        {
            SweepSession session = new(sweep.Plan, Path.Combine(runs, sweep.Plan.Name), jobs, threads: 1, []);
            int code = await session.CarryOutAsync(TextWriter.Null, error, cancellation);
            if (session.Found is not { } findings)
            {
                return code;
            }

            worst = Math.Max(worst, code);
            found.Add((sweep, findings));
            await output.WriteLineAsync($"{sweep.Plan.Name}: {Quantities.Of(findings.Results.Count, "run")}");
        }

        Write(found, begin);
        await output.WriteLineAsync($"{page}: {Quantities.Of(found.Sum(item => item.Found.Results.Count), "run")}");
        return worst;
    }

    /// <summary>Finds out before the first run whether the page can be written.</summary>
    private void Probe(IReadOnlyList<string> inputs)
    {
        using OutputFile probe = new(page, "--out", inputs);
    }

    private void Write(List<(AtlasSweep Sweep, SweepFindings Found)> found, string head)
    {
        string pictures = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(page))!, Pictures);
        Directory.CreateDirectory(pictures);
        foreach ((AtlasSweep sweep, SweepFindings findings) in found)
        {
            SweepFolder.Write(
                pictures,
                AtlasPage.PictureOf(sweep),
                stream => SweepPicture.Write(stream, findings.View, findings.Means, sweep.Plan.Metrics[0]));
        }

        using OutputFile file = new(page, "--out");
        using (StreamWriter writer = new(file.Stream, new UTF8Encoding(false), leaveOpen: true))
        {
            new AtlasPage(found).Write(writer, head, Pictures);
        }

        file.Complete();
    }
}
