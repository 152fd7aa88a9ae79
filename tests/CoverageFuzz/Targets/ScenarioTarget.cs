using System.Text;
using VmSim.Actors.Configuration;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Core.Traces;

namespace VmSim.CoverageFuzz.Targets;

/// <summary>
/// A scenario file with options and with files that it includes or names. What it is read as can be written, read again and written alike.
/// </summary>
internal sealed class ScenarioTarget() : FuzzTarget("scenario", typeof(ScenarioException), typeof(TraceFormatException))
{
    private const string Main = "fuzz.conf";

    /// <summary>Of each thread: several may read inputs at a time, whose files have the same names.</summary>
    private static readonly ThreadLocal<string> Folder = new(() => Directory.CreateTempSubdirectory("vmsim-fuzz-").FullName);

    public override IEnumerable<byte[]> Seeds =>
    [
        .. SeedFiles.Of("scenario").Where(seed => seed.Length < 1_500),
        SeedFiles.Text("%%set machine.cores=3\n%%set processes.0.threads=2\ninclude \"part.conf\"\nname = ${machine-profile}\"x\"\n"
            + "processes = [\n {\n trace = \"in.vmt\"\n }\n]\n%%file part.conf\nmachine-profile = server-2s\n"
            + "until = 2us\nmachine.sockets = 1\n"
            + "%%file in.vmt\n# vmt 1 x pagesize 4096\nt 1\nR 5\n"),
        SeedFiles.Text("machine.cores = 2\nmachine.sockets = 1\nuntil = 20us\n"
            + "processes = [\n {\n program = pattern\n threads = 1\n }\n]\n"),
    ];

    public override IEnumerable<string> Words =>
    [
        "include \"part.conf\"", "include required(file(\"part.conf\"))", "${a}", "${?a.b}", "\"\"\"", "processes = [", " {\n", " }\n]",
        "program = ", "trace = \"in.vmt\"", "count = 2", "machine-profile = ", "kernel-profile = ", "protocol = ", "backend = ", "2us",
        "64 KiB",
        "-settings.", "memory.folios = ", "cluster.", "plug-ins = [ ", "%%set processes.0.", "\n%%file ",
    ];

    protected override void Read(byte[] input)
    {
        FuzzInput parts = FuzzInput.Of(input);
        List<string> files =
            [Write(Main, parts.Main), .. parts.Files.Where(file => IsPlain(file.Key)).Select(file => Write(file.Key, file.Value))];
        try
        {
            ScenarioSpec spec = ScenarioLoader.Load(files[0], [.. parts.Settings.Select(set => $"{set.Key}={set.Value}")]);
            string written = TextOf(spec);
            string again = TextOf(Again(written));
            Same("a scenario that was written and read", Encoding.UTF8.GetBytes(written), Encoding.UTF8.GetBytes(again));
        }
        finally
        {
            files.ForEach(File.Delete);
        }
    }

    private static ScenarioSpec Again(string written)
    {
        try
        {
            return ScenarioLoader.Parse(written, "effective.conf", Folder.Value!, []);
        }
        catch (ScenarioException reason)
        {
            throw new Finding($"a scenario that was written cannot be read: {reason.Message}", reason);
        }
    }

    private static string TextOf(ScenarioSpec spec)
    {
        using StringWriter text = new();
        EffectiveConfiguration.Write(spec, text);
        return text.ToString();
    }

    private static bool IsPlain(string name) =>
        name.Length is > 0 and < 64 && name != Main && name[0] != '.'
        && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '-');

    private static string Write(string name, byte[] bytes)
    {
        string path = Path.Combine(Folder.Value!, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
