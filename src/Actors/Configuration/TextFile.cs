using System.Text;
using VmSim.Core.Settings;

namespace VmSim.Actors.Configuration;

/// <summary>Reads files of settings whole. What has no end, such as a device, is given up once it is too long.</summary>
public static class TextFile
{
    /// <summary>Reads a file.</summary>
    /// <param name="path">The file: a regular one, a pipe or a device.</param>
    /// <param name="what">What to call it in messages; null for its path.</param>
    /// <exception cref="ScenarioException">There is none, it cannot be read, or it has more than 8 MiB.</exception>
    public static string Read(string path, string? what = null)
    {
        what ??= path;
        if (!File.Exists(path))
        {
            throw new ScenarioException(
                Directory.Exists(path) ? $"{what}: {path} is a folder; a file is needed" : $"{what}: there is no file {path}");
        }

        try
        {
            using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 0x1_0000);
            using StreamReader reader = new(stream, Encoding.UTF8);
            StringBuilder text = new();
            char[] piece = new char[0x1_0000];
            for (int length; (length = reader.Read(piece, 0, piece.Length)) > 0;)
            {
                text.Append(piece, 0, length);
                if (text.Length > HoconReader.MaxLength)
                {
                    throw new ScenarioException($"{what}: more than {HoconReader.MaxLength:N0} characters; settings are shorter");
                }
            }

            return text.ToString();
        }
        catch (Exception reason) when (reason is IOException or UnauthorizedAccessException)
        {
            throw new ScenarioException($"{what}: {reason.Message}", reason);
        }
    }
}
