using System.CommandLine;
using VmSim.Host.Sweeps;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim atlas</c>: the sweeps of a folder, and one page of what they say together.</summary>
internal static class AtlasCommand
{
    private const int JobsMax = 1024;

    public static Command Create(TextWriter output, TextWriter error)
    {
        Argument<string> folder = new("folder")
        {
            Description = $"Folder with a sweep file for each section, and {AtlasSession.HeadName} for what the page begins with.",
        };
        Option<string> page = new("--out")
        {
            Description = "The page; its pictures go into the folder images beside it.",
            HelpName = "FILE",
            DefaultValueFactory = _ => "atlas.md",
        };
        Option<string> runs = new("--runs")
        {
            Description = "Folder of the runs. What is there already is not run again.",
            HelpName = "DIR",
            DefaultValueFactory = _ => Path.Combine("sweeps", "atlas"),
        };
        Option<int> jobs = NumberOption.Create(
            "--jobs", "Runs at a time; 0, the default, is as many as there are processors.", 0, JobsMax, fallback: 0);
        Command command = new("atlas", "Runs all sweeps of a folder and makes one page of them: who is ahead where, tables, pictures.");
        command.Arguments.Add(folder);
        command.Options.Add(page);
        command.Options.Add(runs);
        command.Options.Add(jobs);
        command.SetAction((parsed, cancellation) =>
        {
            int given = parsed.GetValue(jobs);
            return new AtlasSession(
                parsed.GetValue(folder)!,
                parsed.GetValue(page)!,
                parsed.GetValue(runs)!,
                given > 0 ? given : Environment.ProcessorCount).CarryOutAsync(output, error, cancellation);
        });
        return command;
    }
}
