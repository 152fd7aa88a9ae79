using System.Globalization;
using VmSim.Core.Settings;
using VmSim.Core.Validation;

namespace VmSim.Host.Capture;

/// <summary>
/// Writes what a calibration has found: settings over base profiles, with where each comes from, and the measured figures.
/// </summary>
/// <param name="Name">The machine's name in files.</param>
/// <param name="Host">The machine that was measured.</param>
/// <param name="BaseMachine">The machine profile below.</param>
/// <param name="BaseKernel">The kernel profile below.</param>
internal sealed record CalibrationFiles(string Name, HostMachine Host, string BaseMachine, string BaseKernel)
{
    /// <summary>Times below this are of the clock more than of the kernel, and are left out, as in the figures that ship.</summary>
    private const double LeastNanoseconds = 500;

    private const ulong PageBytes = 4_096;

    /// <summary>Pages that a file fault maps where files lie in the cache page by page (fault_around_bytes, mm/memory.c).</summary>
    private const double WindowPages = 16;

    /// <summary>The settings that come with the machine itself and are not derived.</summary>
    public string Machine => $"  name = {SettingValues.InQuotes(Name)}\n"
        + $"  cores = {Number(Host.Cores)}\n  sockets = {Number(Host.Sockets)}\n"
        + (Host.PageTable is { } format ? $"  page-table = {format}\n" : "");

    /// <summary>The kernel's release, as a setting.</summary>
    public string Kernel => $"  name = {SettingValues.InQuotes($"{Name}-kernel")}\n  version = {Host.Rules}\n";

    /// <summary>How memory behaves on this machine, as settings.</summary>
    /// <param name="results">What was measured.</param>
    public string Memory(CalibrationResults results)
    {
        MeasuredFigure? faults = results.Figures.FirstOrDefault(
            figure => figure is { Case.Program: "file-private-read-seq", Figure: MeasuredProgram.Faults });
        double pages = faults is { Measured: > 0 } ? faults.Case.Size / faults.Measured : 0;
        ulong folio = pages < 1.5 * WindowPages ? 0 : PageBytes << (int)Math.Round(Math.Log2(pages));
        return "memory {\n"
            + (Host.HugePages is { } huge ? $"  transparent-huge-pages = {huge}\n" : "")
            + (folio > 0 ? $"  folio = {Number(folio)} B\n" : "")
            + "}\n";
    }

    /// <summary>A scenario without processes: the machine as its base profiles have it, to begin from.</summary>
    /// <param name="results">What was measured.</param>
    public string Base(CalibrationResults results) =>
        $"name = {SettingValues.InQuotes(Name)}\nmachine-profile = {BaseMachine}\nkernel-profile = {BaseKernel}\n"
        + $"machine {{\n{Machine}}}\nkernel {{\n{Kernel}}}\nshootdown.protocol = linux\n{Memory(results)}";

    /// <summary>The file that names the others, for <c>vmsim validate --machine</c>.</summary>
    /// <param name="results">What was measured.</param>
    public string Whole(CalibrationResults results) =>
        $"# {Host.Model}, Linux {Host.Kernel}, as vmsim calibrate measured it. The figures stand beside this file.\n"
        + $"name = {SettingValues.InQuotes(Name)}\nmachine-profile = {BaseMachine}\nkernel-profile = {BaseKernel}\n"
        + $"include \"{Name}-machine.conf\"\ninclude \"{Name}-kernel.conf\"\nshootdown.protocol = linux\n{Memory(results)}";

    /// <summary>A profile over its base: one block of settings.</summary>
    /// <param name="block">The block: machine or kernel.</param>
    /// <param name="settings">All settings that were looked at.</param>
    public string Profile(string block, IReadOnlyList<CalibratedSetting> settings)
    {
        string profile = block == "machine" ? BaseMachine : BaseKernel;
        using StringWriter text = new() { NewLine = "\n" };
        text.WriteLine($"# {Host.Model}, Linux {Host.Kernel}, measured by vmsim calibrate.");
        text.WriteLine($"# What is not here is as in the {block} profile {profile}.");
        text.WriteLine($"{block} {{");
        text.Write(block == "machine" ? Machine : Kernel);
        string prefix = block + ".";
        foreach (CalibratedSetting setting in settings.Where(setting => setting.Key.StartsWith(prefix, StringComparison.Ordinal)))
        {
            string key = setting.Key[prefix.Length..];
            if (setting.Value is not { } value)
            {
                string before = setting.Before.Length > 0 ? $" ({setting.Before})" : "";
                text.WriteLine($"  # {key} stays as in {profile}{before}: {setting.Reason}");
                continue;
            }

            string spread = setting.Spread > 0 ? $", +{Number(setting.Spread)} in the median of the repetitions" : "";
            text.WriteLine($"  # {setting.Reason}{spread}");
            text.WriteLine($"  {key} = {value}");
        }

        text.WriteLine("}");
        return text.ToString();
    }

    /// <summary>The measured figures, as <c>vmsim validate</c> reads them.</summary>
    /// <param name="results">What was measured.</param>
    public string Figures(CalibrationResults results)
    {
        using StringWriter text = new() { NewLine = "\n" };
        text.WriteLine($"# {Host.Model}, Linux {Host.Kernel}, measured by vmsim calibrate.");
        text.WriteLine("# Times are the best of several repetitions, counts their medians; times of less than 500 ns are left out.");
        text.WriteLine(FigureTable.Heading);
        foreach (MeasuredFigure figure in results.Figures.Where(
            figure => figure.Unit != FigureUnit.Nanoseconds || figure.Measured >= LeastNanoseconds))
        {
            text.WriteLine(string.Join(
                ',',
                figure.Case.Program,
                figure.Case.Beside,
                Number(figure.Case.Size),
                figure.Figure,
                figure.Unit.Name,
                Number(figure.Measured),
                figure.Source));
        }

        return text.ToString();
    }

    /// <summary>Writes a table of settings for people.</summary>
    public static void WriteSummary(TextWriter writer, IReadOnlyList<CalibratedSetting> settings)
    {
        writer.WriteLine("| setting | base | here | spread | from |");
        writer.WriteLine("|---|---:|---:|---:|---|");
        foreach (CalibratedSetting setting in settings)
        {
            string spread = setting.Value is not null && setting.Spread > 0 ? Number(setting.Spread) : "";
            string reason = setting.Value is null ? "not measured: " + setting.Reason : setting.Reason;
            writer.WriteLine($"| {setting.Key} | {setting.Before} | {setting.Value ?? "as before"} | {spread} | {reason} |");
        }
    }

    private static string Number(double value) => value.ToString(value >= 10 ? "0" : "0.###", CultureInfo.InvariantCulture);
}
