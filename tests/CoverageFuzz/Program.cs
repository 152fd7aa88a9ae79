using System.Diagnostics;
using SharpFuzz;
using VmSim.CoverageFuzz;

// list: the names of all targets. seeds TARGET FOLDER: what fuzzing begins with, and words.txt beside the folder. fuzz TARGET: takes inputs
// of afl-fuzz. run TARGET FILE...: takes inputs again, and says what comes of each.
if (args is ["fuzz", string name])
{
    // Out of process, so that a hang, a stack that overflows and memory that runs out end the child and not the fuzzing. Instrumented code
    // runs in the child alone, and there not before the first input: it writes to memory that is not there earlier.
    FuzzTarget? fuzzed = null;
    Fuzzer.OutOfProcess.Run(stream =>
    {
        fuzzed ??= FuzzTargets.All[name];
        using MemoryStream input = new();
        stream.CopyTo(input);
        fuzzed.Take(input.ToArray());
    });
    return 0;
}

if (args is ["list"])
{
    Console.WriteLine(string.Join('\n', FuzzTargets.All.Keys));
    return 0;
}

if (args.Length < 3 || !FuzzTargets.All.TryGetValue(args[1], out FuzzTarget? target))
{
    Console.Error.WriteLine("usage: VmSim.CoverageFuzz list | seeds TARGET FOLDER | fuzz TARGET | run TARGET FILE...");
    return 64;
}

if (args[0] == "seeds")
{
    WriteSeeds(args[2]);
    return 0;
}

return args[2..].Count(file => !Again(file)) == 0 ? 0 : 1;

void WriteSeeds(string folder)
{
    Directory.CreateDirectory(folder);
    foreach ((int number, byte[] seed) in target.Seeds.Index())
    {
        File.WriteAllBytes(Path.Combine(folder, $"seed-{number:00}"), seed);
    }

    string[] words = [.. target.Words.Select(word => $"\"{string.Concat(word.Select(Escaped))}\"")];
    File.WriteAllLines(folder.TrimEnd('/') + ".words", words);
}

static string Escaped(char letter) => letter is < ' ' or > '~' or '"' or '\\' ? $"\\x{(int)letter:x2}" : $"{letter}";

bool Again(string file)
{
    const double MostSeconds = 5;
    const long MostBytes = 1L << 30;
    byte[] input = File.ReadAllBytes(file);
    TimeSpan before = Process.GetCurrentProcess().TotalProcessorTime;
    string result;
    bool isGood = true;
    try
    {
        result = target.Take(input) ? "used" : "refused";
    }
    catch (Exception reason)
    {
        result = $"FINDING {reason}";
        isGood = false;
    }

    using Process process = Process.GetCurrentProcess();
    double seconds = (process.TotalProcessorTime - before).TotalSeconds;
    bool isBounded = seconds < MostSeconds && process.PeakWorkingSet64 < MostBytes;
    Console.WriteLine(
        $"{file}: {input.Length} bytes, {seconds:0.00} s of a processor, at most {process.PeakWorkingSet64 >> 20} MiB so far: "
        + $"{(isBounded ? "" : "FINDING too much, ")}{result}");
    return isGood && isBounded;
}
