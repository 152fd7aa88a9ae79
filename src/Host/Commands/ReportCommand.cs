using System.CommandLine;
using VmSim.Core.Reports;
using VmSim.Host.Files;
using VmSim.Host.Reporting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim report</c>: shows the report of an earlier run.</summary>
internal static class ReportCommand
{
    public static Command Create(TextWriter output, TextWriter error)
    {
        Argument<string> run = new("run") { Description = "Folder that --out named, or a report.json." };
        Command command = new("report", "Shows the report of an earlier run.") { run };
        command.SetAction(parsed =>
        {
            string path = parsed.GetValue(run)!;
            string file = Directory.Exists(path) ? Path.Combine(path, RunFolder.ReportName) : path;
            FileKind kind = FileStatus.Of(file).Kind;
            if (kind is FileKind.Stream or FileKind.Disk)
            {
                throw new IOException($"{file}: a pipe or a device; a report is read whole, so a file is needed");
            }

            if (kind != FileKind.Regular)
            {
                throw new FileNotFoundException($"{file}: there is no such report; name a folder that `vmsim run --out` wrote");
            }

            using FileStream stream = File.OpenRead(file);
            RunReport report = ReportJson.Read(stream, file);
            ReportView.Show(report, Consoles.For(output));
            return ExitCodes.Ok;
        });
        return command;
    }
}
