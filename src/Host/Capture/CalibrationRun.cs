using System.Globalization;
using VmSim.Core.Validation;
using VmSim.Host.Files;
using VmSim.Host.Terminal;

namespace VmSim.Host.Capture;

/// <summary>Runs the measuring program of a calibration.</summary>
internal static class CalibrationRun
{
    private const string Source = "vmtcal.c";

    /// <summary>Lines that the program writes, about: what progress is told by.</summary>
    private const int LinesExpected = 950;

    /// <summary>Finds out whether measuring is possible, before anything else is done.</summary>
    /// <exception cref="UsageException">It is not.</exception>
    public static void Require()
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new UsageException("calibrate: this measures the memory management of Linux, and this machine runs another system");
        }

        if (CaptureTools.Find(CaptureTools.Compiler) is null)
        {
            throw new UsageException($"calibrate: {CaptureTools.Compiler} is needed to build what measures: apt-get install gcc libc6-dev");
        }
    }

    /// <summary>Measures.</summary>
    /// <param name="folder">Where a scratch file of 64 MiB may stand meanwhile.</param>
    /// <param name="first">The processor to measure on.</param>
    /// <param name="second">A second one; -1 for none.</param>
    /// <param name="far">One of another socket than the first one's; -1 for none.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <exception cref="UsageException">The program cannot be built, or stopped before its end.</exception>
    public static CalibrationResults Run(string folder, int first, int second, int far, Action<string> progress)
    {
        string program = CompiledSource.Build(Source, "", "-pthread");
        string scratch = Path.Combine(folder, OutputFile.AsideOf("scratch"));
        void Remove() => File.Delete(scratch);
        Leftovers.Add(Remove);
        List<string> lines = [];
        try
        {
            string[] arguments = [scratch, Number(first), Number(second), Number(far)];
            int exitCode = CaptureTools.Run(program, arguments, errorLine: null, outputLine: line =>
            {
                lines.Add(line);
                progress($"measuring: {Math.Min(99, lines.Count * 100 / LinesExpected)} %");
            });
            if (exitCode != 0)
            {
                throw new UsageException($"calibrate: the measuring program stopped with exit code {exitCode} after {lines.Count} results");
            }
        }
        finally
        {
            Remove();
            Leftovers.Forget(Remove);
        }

        using StringReader reader = new(string.Join('\n', lines));
        return CalibrationResults.Read(reader);
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
