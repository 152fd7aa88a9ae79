using System.CommandLine;
using VmSim.Host.Capture;
using VmSim.Host.Files;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim capture</c>: runs a program and writes its trace.</summary>
internal static class CaptureCommand
{
    /// <summary>A week.</summary>
    private const int SecondsMax = 7 * 86_400;

    /// <summary>Name of the snapshots of areas in the folder of what tools write.</summary>
    private const string MapsName = "maps";

    public static Command Create(TextWriter output, TextWriter error)
    {
        Argument<string[]> program = new("program")
        {
            Description = "The program and its arguments, after --.",
            Arity = ArgumentArity.OneOrMore,
        };
        Option<string> target = new("-o", "--output")
        {
            Description = "Trace to write: .vmt, .vmt.gz or .vmtb. Forked children go beside it.",
            HelpName = "FILE",
        };
        Option<string> with = new("--with")
        {
            Description = "Tool: valgrind, qemu, perf for faults and calls alone, or auto for the faster one of the first two.",
            DefaultValueFactory = _ => "auto",
        };
        with.AcceptOnlyFromAmong("auto", "valgrind", "qemu", "perf");
        Option<int> sets = NumberOption.Create(
            "--sets",
            "Sets of the filter that collapses references to a page: a power of two (qemu).",
            1,
            4096,
            fallback: 16,
            "a power of two");
        Option<bool> fixedAddresses = new("--no-aslr")
        {
            Description = "Run without address space layout randomization (setarch -R), so that captures repeat their addresses.",
        };
        Option<int> seconds = Seconds();
        Option<bool> noStacks = new("--no-stacks") { Description = "Leave out from where calls on memory are made (qemu, perf)." };
        Option<string> maps = Maps();
        Option<string> points = Points();
        Command command = new(
            "capture", "Runs a program and writes a trace of its memory use: vmsim capture -o OUT.vmt.gz -- PROGRAM ARGUMENTS")
        {
            target,
            with,
            sets,
            fixedAddresses,
            seconds,
            noStacks,
            maps,
            points,
            program,
        };
        command.SetAction(parsed =>
        {
            int setCount = parsed.GetValue(sets);
            if ((setCount & (setCount - 1)) != 0)
            {
                throw new UsageException($"--sets: {setCount} found; a power of two from 1 to 4096 is allowed");
            }

            string[] line = parsed.GetValue(program)!;
            string? mapsFile = parsed.GetValue(maps);
            TracedWay way = new(!parsed.GetValue(fixedAddresses), TimeSpan.FromSeconds(parsed.GetValue(seconds)));
            if (mapsFile is not null && parsed.GetValue(target) is null)
            {
                return CaptureMaps(line, mapsFile, parsed.GetValue(points)!, way, error);
            }

            string traceFile = parsed.GetValue(target) ?? throw new UsageException("Option '-o' is required, or '--maps'.");
            string tool = Choose(parsed.GetValue(with)!, asksKernel: mapsFile is not null);
            (string path, IReadOnlyList<string> arguments) = CaptureTools.Resolve(line[0], line[1..]);
            (string, string)? kernel = mapsFile is null ? null : (mapsFile, parsed.GetValue(points)!);
            return Capture(tool, path, arguments, traceFile, setCount, way, !parsed.GetValue(noStacks), kernel, error);
        });
        return command;
    }

    private static Option<int> Seconds() => NumberOption.Create(
        "--seconds", "Interrupt the program after so many seconds; 0, the default, lets it end by itself.", 0, SecondsMax, fallback: 0);

    private static Option<string> Maps() => new("--maps")
    {
        Description = "Instead of a trace, or beside that of perf, write what the kernel says of the areas of the program and its children "
            + "at their ends.",
        HelpName = "FILE",
    };

    private static Option<string> Points() => new("--maps-at")
    {
        Description = "Calls, separated by commas, before which it says so too, such as munmap,mremap (--maps).",
        DefaultValueFactory = _ => "",
        HelpName = "CALLS",
    };

    private static int CaptureMaps(string[] line, string target, string points, TracedWay way, TextWriter error)
    {
        string path = CaptureTools.Find(line[0]) ?? throw new UsageException($"{line[0]}: there is no such program");
        using OutputFile snapshots = new(target, "--maps", [path, .. line[1..]]);
        int exitCode = InFolder(folder =>
        {
            string written = Path.Combine(folder, MapsName);
            int code = MapsCapture.Run(path, line[1..], written, points, way);
            MapsCapture.Copy(written, snapshots.Stream, code);
            return code;
        });
        snapshots.Complete();
        if (exitCode != 0)
        {
            error.WriteLine($"note: the program ended with exit code {exitCode}");
        }

        error.WriteLine($"the kernel's word on areas: {target}");
        return ExitCodes.Ok;
    }

    /// <summary>Does something with a folder of its own, which goes again.</summary>
    private static int InFolder(Func<string, int> work)
    {
        string folder = Directory.CreateTempSubdirectory("vmsim-capture-").FullName;
        void RemoveFolder() => Directory.Delete(folder, recursive: true);
        Leftovers.Add(RemoveFolder);

        // A program that is interrupted has a trace too.
        using IDisposable scope = Interruption.Work();
        try
        {
            return work(folder);
        }
        finally
        {
            Leftovers.Forget(RemoveFolder);
            RemoveFolder();
        }
    }

    private static int Capture(
        string tool,
        string program,
        IReadOnlyList<string> arguments,
        string target,
        int sets,
        TracedWay way,
        bool stacks,
        (string File, string Points)? maps,
        TextWriter error)
    {
        // What cannot be written is found out before the program runs.
        OutputFile.Require(target, "-o", [program, .. arguments]);
        using OutputFile? snapshots = maps is { } asked ? new OutputFile(asked.File, "--maps", [program, .. arguments]) : null;
        return InFolder(folder =>
        {
            using CaptureFamily family = new(error);
            int exitCode;
            if (tool == "qemu")
            {
                (string trace, exitCode) = QemuCapture.Run(program, arguments, folder, sets, way, stacks);
                Require(new FileInfo(trace) is { Exists: true, Length: > 0 }, tool, exitCode);
                family.WriteQemu(trace, trace, target);
            }
            else if (tool == "perf")
            {
                string written = Path.Combine(folder, MapsName);
                (string, string)? kernel = maps is { } wanted ? (written, wanted.Points) : null;
                exitCode = PerfCapture.Run(program, arguments, folder, target, way, stacks, kernel, error);
                family.Written.Add(target);
                if (snapshots is not null)
                {
                    MapsCapture.Copy(written, snapshots.Stream, exitCode);
                    snapshots.Complete();
                }
            }
            else
            {
                ValgrindCapture capture = new(folder);
                exitCode = capture.Run(program, arguments, way, error);
                Require(capture.LogOf(capture.MainProcess) is not null, tool, exitCode);
                family.WriteValgrind(capture, capture.MainProcess, Path.GetFileName(program), target);
            }

            family.Complete();
            if (exitCode != 0)
            {
                error.WriteLine($"note: the program ended with exit code {exitCode}");
            }

            string more = family.Written.Count > 8 ? $" and {family.Written.Count - 8} more" : "";
            error.WriteLine($"captured with {tool}: {string.Join(", ", family.Written.Take(8))}{more}");
            return ExitCodes.Ok;
        });
    }

    /// <summary>The tool that was asked for, or the faster one that is installed.</summary>
    private static string Choose(string wanted, bool asksKernel)
    {
        if (asksKernel && wanted != "perf")
        {
            throw new UsageException(
                "--maps and -o: one of them is allowed, or --with perf; a run natively and a run under another tool are two runs");
        }

        bool hasQemu = CaptureTools.Find(CaptureTools.Qemu) is not null && CaptureTools.Find(CaptureTools.Compiler) is not null;
        bool hasValgrind = CaptureTools.Find(CaptureTools.Valgrind) is not null;
        return wanted switch
        {
            "auto" when hasQemu => "qemu",
            "auto" when hasValgrind => "valgrind",
            "qemu" when hasQemu => wanted,
            "valgrind" when hasValgrind => wanted,
            "perf" when CaptureTools.Find(CaptureTools.Perf) is not null => wanted,
            "perf" => throw new UsageException("--with perf: it is not installed: apt-get install linux-perf"),
            "qemu" => throw new UsageException("--with qemu: qemu-x86_64 and gcc are needed: apt-get install qemu-user gcc"),
            "valgrind" => throw new UsageException("--with valgrind: it is not installed: apt-get install valgrind"),
            _ => throw new UsageException($"neither valgrind nor qemu-x86_64 with gcc is installed; {CaptureTools.InstallHint}"),
        };
    }

    private static void Require(bool hasTrace, string tool, int exitCode)
    {
        if (!hasTrace)
        {
            throw new UsageException($"{tool} wrote no trace (exit code {exitCode}); is the program one for x86-64 Linux?");
        }
    }
}
