using System.CommandLine;
using System.Text;
using VmSim.Core.Traces;
using VmSim.Host.Files;
using VmSim.Host.Maps;
using VmSim.Host.Reporting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim trace</c>: looks into traces, cuts, converts and checks them.</summary>
internal static class TraceCommand
{
    public static Command Create(TextWriter output, TextWriter error) => new("trace", "Looks into traces, cuts, converts and checks them.")
    {
        CreateInfo(output, error),
        CreateCat(error),
        CreateCut(error),
        CreateVerify(output),
        CreateFolios(output, error),
    };

    private static Argument<string> File() => new("file") { Description = "A trace: .vmt, .vmt.gz or .vmtb." };

    private static Option<bool> Salvage() => new("--salvage") { Description = "Use a damaged trace up to the damage." };

    private static Command CreateInfo(TextWriter output, TextWriter error)
    {
        Argument<string> file = File();
        Option<bool> salvage = Salvage();
        Command command = new("info", "Shows threads, operations, pages, reuse distances and the working set over time.") { file, salvage };
        command.SetAction(parsed =>
        {
            string path = parsed.GetValue(file)!;
            bool mayBeDamaged = parsed.GetValue(salvage);
            TraceInput.RequireFile(path);
            TraceInfo info = TraceInfo.Compute(() => TraceInput.OpenTrace(path, mayBeDamaged), mayBeDamaged);
            TraceParallelism? parallelism = info.Threads.Count > 1 ? ParallelismOf(path, mayBeDamaged, error) : null;
            TraceInfoView.Show(info, Path.GetFileName(path), parallelism, Consoles.For(output));
            return Warn(info.Damage, error);
        });
        return command;
    }

    /// <summary>How many threads run at once; null, and a note, for a trace that no run takes either.</summary>
    private static TraceParallelism? ParallelismOf(string path, bool salvage, TextWriter error)
    {
        try
        {
            using Stream stream = TraceInput.Open(path);
            return TraceParallelism.Of(VmtReader.Load(stream, path, new TraceLoadOptions { Salvage = salvage }).Image);
        }
        catch (TraceFormatException reason)
        {
            error.WriteLine($"note: how many threads run at once is not known: {reason.Message}");
            return null;
        }
    }

    private static Command CreateCat(TextWriter error)
    {
        Argument<string> file = File();
        Option<bool> salvage = Salvage();
        Command command = new("cat", "Writes a trace as text to standard output.") { file, salvage };
        command.SetAction(parsed =>
        {
            using Stream standard = StandardOutput.Plain();
            using VmtTextWriter writer = new(standard);
            bool mayBeDamaged = parsed.GetValue(salvage);
            return Warn(TraceTools.Copy(TraceInput.OpenTrace(parsed.GetValue(file)!, mayBeDamaged), writer, mayBeDamaged), error);
        });
        return command;
    }

    private static Command CreateCut(TextWriter error)
    {
        Argument<string> file = File();
        Option<bool> salvage = Salvage();
        Option<long> from = NumberOption.Create(
            "--from", "First access to keep, from 0; mappings before it are kept.", 0L, long.MaxValue, fallback: 0L);
        Option<long> to = NumberOption.Create("--to", "First access to leave out.", 0L, long.MaxValue, fallback: long.MaxValue);
        Option<string> target = new("-o", "--output")
        {
            Description = "Trace to write: .vmt, .vmt.gz or .vmtb.",
            Required = true,
            HelpName = "FILE",
        };
        Command command = new("cut", "Copies a part of a trace, or all of it into another form.") { file, from, to, target, salvage };
        command.SetAction(parsed =>
        {
            (long first, long end) = (parsed.GetValue(from), parsed.GetValue(to));
            if (end < first)
            {
                throw new UsageException($"--from {first} --to {end}: found; 0 <= from <= to is allowed");
            }

            bool mayBeDamaged = parsed.GetValue(salvage);
            string path = parsed.GetValue(file)!;
            IVmtSource source = TraceInput.OpenTrace(path, mayBeDamaged);
            using TraceOutput trace = new(parsed.GetValue(target)!, inputs: [path]);
            string? damage = TraceTools.Cut(source, trace.Sink, first, end, mayBeDamaged);
            trace.Complete();
            return Warn(damage, error);
        });
        return command;
    }

    private static Command CreateVerify(TextWriter output)
    {
        Argument<string> file = File();
        Option<bool> child = new("--child") { Description = "The trace is a forked child's: its first mappings are its parent's." };
        Option<string> maps = new("--maps")
        {
            Description = "What the kernel said of the same run: a file of 'capture --maps', or a copy of /proc/PID/maps or smaps.",
            HelpName = "FILE",
        };
        Option<long> process = NumberOption.Create(
            "--process", "The trace's process in the --maps file; 0 for the first that traces no other.", 0L, int.MaxValue, fallback: 0L);
        Command command = new(
            "verify", "Reads a trace to its end and checks that it uses only mapped pages, and that its areas are the kernel's.")
        {
            file,
            child,
            maps,
            process,
        };
        command.SetAction(parsed =>
        {
            string path = parsed.GetValue(file)!;
            TraceVerification result = TraceTools.Verify(TraceInput.OpenTrace(path), parsed.GetValue(child));
            output.WriteLine($"{path}: {result.Records:N0} records, {result.Accesses:N0} accesses");
            if (result.UnmappedAccesses > 0)
            {
                output.WriteLine(
                    $"{result.UnmappedAccesses:N0} accesses to pages that are not mapped, first "
                    + $"{string.Join(", ", result.UnmappedPages.Select(page => $"{page:x}"))}");
            }

            output.WriteLine(result.Damage ?? "read to its end without damage");
            if (result.Damage is null && parsed.GetValue(maps) is { } mapsFile)
            {
                return VerifyMaps(path, mapsFile, parsed.GetValue(process), output);
            }

            return result.Damage is not null ? ExitCodes.BadInput : result.UnmappedAccesses > 0 ? ExitCodes.Broken : ExitCodes.Ok;
        });
        return command;
    }

    private static Command CreateFolios(TextWriter output, TextWriter error)
    {
        Argument<string> file = File();
        Option<string> target = new("-o", "--output")
        {
            Description = "File of settings to write, for a scenario to include; without it, standard output.",
            HelpName = "FILE",
        };
        Command command = new(
            "folios", "Says in which folios the files of a trace lie in this machine's page cache, as the setting memory.folios.")
        {
            file,
            target,
        };
        command.SetAction(parsed =>
        {
            string path = parsed.GetValue(file)!;
            string text = FolioSettings.Of(TraceInput.OpenTrace(path), error);
            if (parsed.GetValue(target) is not { } name)
            {
                output.Write(text);
                return ExitCodes.Ok;
            }

            using OutputFile written = new(name, "-o", path);
            written.Stream.Write(Encoding.UTF8.GetBytes(text));
            written.Complete();
            return ExitCodes.Ok;
        });
        return command;
    }

    /// <summary>
    /// What exec maps is in no log of calls, so accesses to it are no fault of the trace when the kernel's word says where it is.
    /// </summary>
    private static int VerifyMaps(string path, string mapsFile, long process, TextWriter output)
    {
        using StreamReader reader = KernelMaps.Open(TraceStreams.Unpack(TraceInput.Open(mapsFile)));
        KernelMaps maps = KernelMaps.Read(reader, mapsFile);
        MapsVerdict verdict = MapsReplay.Run(
            () => TraceInput.OpenTrace(path), name => TraceInput.OpenBeside(path, name), maps, process == 0 ? null : (ulong)process);
        MapsVerdictView.Show(verdict, output);
        return verdict.IsEqual ? ExitCodes.Ok : ExitCodes.Broken;
    }

    private static int Warn(string? damage, TextWriter error)
    {
        if (damage is not null)
        {
            error.WriteLine($"vmsim: {damage}; what stands before is used");
        }

        return ExitCodes.Ok;
    }
}
