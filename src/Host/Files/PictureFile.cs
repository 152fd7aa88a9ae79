using System.ComponentModel;
using System.Diagnostics;
using VmSim.Host.Terminal;

namespace VmSim.Host.Files;

/// <summary>Pictures in files: SVG as it is, or PNG, which librsvg makes of it where it is installed.</summary>
internal static class PictureFile
{
    private const string Png = ".png";
    private const string Tool = "rsvg-convert";

    /// <summary>Dots of a PNG for each inch of the picture, 96 pixels of SVG, as papers want them.</summary>
    private const string DotsPerInch = "300";

    private static readonly string[] Others = [".pdf", ".jpg", ".jpeg", ".gif", ".webp", ".eps"];

    /// <summary>Sees to it that a picture can be written under a name, before the work.</summary>
    /// <param name="path">The name.</param>
    /// <param name="option">The option that gave it.</param>
    /// <exception cref="UsageException">It is that of another kind of picture, or there is nothing to make a PNG with.</exception>
    public static void Require(string path, string option)
    {
        if (Array.Exists(Others, end => path.EndsWith(end, StringComparison.OrdinalIgnoreCase)))
        {
            throw new UsageException($"{option} {path}: a picture is an SVG, as in chart.svg, or a PNG, as in chart.png");
        }

        if (IsPng(path) && PathPrograms.Find(Tool) is null)
        {
            throw new UsageException(
                $"{option} {path}: {Tool} makes a PNG, and it is not installed: apt-get install librsvg2-bin; or name an SVG, as in "
                    + "chart.svg");
        }
    }

    /// <summary>The bytes of the file: the SVG, or a PNG with 300 dots an inch.</summary>
    /// <param name="path">Its name.</param>
    /// <param name="option">The option that gave it.</param>
    /// <param name="svg">The picture.</param>
    /// <exception cref="UsageException">No PNG can be made.</exception>
    public static byte[] Bytes(string path, string option, byte[] svg)
    {
        ArgumentNullException.ThrowIfNull(svg);
        Require(path, option);
        if (!IsPng(path))
        {
            return svg;
        }

        ProcessStartInfo start = new(PathPrograms.Find(Tool)!, ["-d", DotsPerInch, "-p", DotsPerInch])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        try
        {
            using Process process = Process.Start(start)!;
            using MemoryStream png = new();
            Task read = process.StandardOutput.BaseStream.CopyToAsync(png);
            using (Stream input = process.StandardInput.BaseStream)
            {
                input.Write(svg);
            }

            read.Wait();
            process.WaitForExit();
            return process.ExitCode == 0
                ? png.ToArray()
                : throw new UsageException($"{option} {path}: {Tool} ended with exit code {process.ExitCode}");
        }
        catch (Win32Exception reason) when (Shortage.Of(reason) is null)
        {
            throw new UsageException($"{option} {path}: {Tool} cannot be started: {reason.Message}", reason);
        }
    }

    private static bool IsPng(string path) => path.EndsWith(Png, StringComparison.OrdinalIgnoreCase);
}
