using System.Text;
using VmSim.Core.Settings;

namespace VmSim.Host.Files;

/// <summary>
/// The file of a run's last checkpoint: a line that says of which run it is, and what <see cref="Core.Checkpoints.Checkpoint"/> writes. A
/// new one stands aside until it is whole and on the disk, and then takes the place of the one before.
/// </summary>
/// <param name="path">Its name.</param>
/// <param name="run">What it is of.</param>
/// <param name="inputs">Files that the run reads.</param>
/// <param name="messages">Where it is said that one could not be written.</param>
internal sealed class CheckpointFile(string path, CheckpointOf run, IReadOnlyList<string> inputs, TextWriter messages)
{
    /// <summary>The option that names the file that is written.</summary>
    public const string Option = "--checkpoint-to";

    /// <summary>The option that names the file that a run goes on from.</summary>
    public const string ResumeOption = "--resume";

    private const string Format = "vmsim-checkpoint-1";

    /// <summary>The first line has far fewer bytes.</summary>
    private const int LineMax = 128;

    /// <summary>How many checkpoints could not be written.</summary>
    public int Failed { get; private set; }

    /// <summary>Writes a checkpoint. If that fails the one before stays and the run goes on: another may be written later.</summary>
    /// <param name="write">Writes it to a stream.</param>
    public void Keep(Action<Stream> write)
    {
        try
        {
            using OutputFile file = new(path, Option, inputs);
            file.Stream.Write(Encoding.ASCII.GetBytes(LineOf(run)));
            write(file.Stream);
            file.Prepare();
            file.Complete();
        }
        catch (Exception reason) when (reason is IOException or UnauthorizedAccessException)
        {
            Failed++;
            string said = reason.Message.StartsWith(Option, StringComparison.Ordinal) ? "" : $"{Option} {path}: ";
            messages.WriteLine($"vmsim: {said}{reason.Message}; the checkpoint before this one stays, if there is one");
        }
    }

    /// <summary>Opens a checkpoint to go on from, and finds out whether it is of a run.</summary>
    /// <param name="path">Its name.</param>
    /// <param name="run">The run.</param>
    /// <returns>A stream that stands behind the first line; it can seek.</returns>
    /// <exception cref="ScenarioException">It is no checkpoint, or one of another run.</exception>
    public static FileStream Open(string path, CheckpointOf run)
    {
        string? wrong = FileStatus.Of(path).Kind switch
        {
            FileKind.None => "there is no such file",
            FileKind.Regular => null,
            FileKind.Folder => "this is a folder; a file is needed",
            _ => "a pipe or a device found; a file is needed",
        };
        if (wrong is not null)
        {
            throw new ScenarioException($"{ResumeOption} {path}: {wrong}");
        }

        FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        try
        {
            Compare(ReadLine(stream), run, $"{ResumeOption} {path}");
            return stream;
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    private static string LineOf(CheckpointOf run) => $"{Format} {run.Build} {run.Digest} {run.ListsText}\n";

    private static string ReadLine(FileStream stream)
    {
        StringBuilder line = new();
        while (line.Length < LineMax && stream.ReadByte() is >= 0 and int next)
        {
            line.Append((char)next);
            if (next == '\n')
            {
                break;
            }
        }

        return line.ToString();
    }

    private static void Compare(string line, CheckpointOf run, string where)
    {
        string[] found = line.Split(' ');
        string[] wanted = LineOf(run).Split(' ');
        string? wrong =
            found.Length != wanted.Length || found[0] != wanted[0] || !line.EndsWith('\n') ? "this is no checkpoint of vmsim"
            : found[1] != wanted[1] ? $"a checkpoint of build {found[1]} found; this is build {wanted[1]}, and each goes on from its own"
            : found[2] != wanted[2] ? "a checkpoint of another run found: a setting, a trace or a plug-in differs; only until may"
            : found[3] != wanted[3]
                ? "the run of the checkpoint and this one differ in what they list (--shootdowns, --faults, --calls, --timeline)"
            : null;
        if (wrong is not null)
        {
            throw new ScenarioException($"{where}: {wrong}");
        }
    }
}
