using System.ComponentModel;
using System.Diagnostics;
using VmSim.Host.Files;
using VmSim.Host.Terminal;

namespace VmSim.Host.Capture;

/// <summary>Finds and starts the programs that capture needs.</summary>
internal static class CaptureTools
{
    /// <summary>QEMU's user-mode program for the machines whose system calls the plug-in knows.</summary>
    public const string Qemu = "qemu-x86_64";

    /// <summary>Valgrind, whose tool lackey writes memory references.</summary>
    public const string Valgrind = "valgrind";

    /// <summary>perf, which records trace events of the kernel.</summary>
    public const string Perf = "perf";

    /// <summary>The C compiler that builds the plug-in.</summary>
    public const string Compiler = "gcc";

    /// <summary>The program of util-linux that turns address space layout randomization off for another.</summary>
    public const string SetArch = "setarch";

    /// <summary>How long a program may take to end once this one is asked to.</summary>
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(1);

    /// <summary>What to do when no tool is there.</summary>
    public const string InstallHint =
        "install one of them: apt-get install valgrind, or apt-get install qemu-user gcc (faster, runs threads in parallel)";

    /// <summary>The full path of a program, looked for as a shell does; null when it is not there.</summary>
    public static string? Find(string program) => PathPrograms.Find(program);

    /// <summary>
    /// What a command line really starts: a script's interpreter with the script as its argument, as the kernel does it, also through env.
    /// </summary>
    /// <exception cref="UsageException">There is no such program or interpreter.</exception>
    public static (string Program, IReadOnlyList<string> Arguments) Resolve(string program, IReadOnlyList<string> arguments)
    {
        const int MaxInterpreters = 4;
        for (int i = 0; i < MaxInterpreters; i++)
        {
            string path = Find(program) ?? throw new UsageException($"{program}: there is no such program");
            using FileStream file = File.OpenRead(path);
            byte[] head = new byte[256];
            int length = file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
            if (length < 2 || head[0] != (byte)'#' || head[1] != (byte)'!')
            {
                return (path, arguments);
            }

            string line = System.Text.Encoding.UTF8.GetString(head, 2, length - 2).Split('\n')[0].Trim();
            string[] words = line.Split(' ', 2, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (words.Length == 0)
            {
                break;
            }

            bool isEnvironment = words.Length == 2 && Path.GetFileName(words[0]) == "env";
            program = isEnvironment ? words[1] : words[0];
            arguments = isEnvironment || words.Length == 1 ? [path, .. arguments] : [words[1], path, .. arguments];
        }

        throw new UsageException($"{program}: its first line names no program that can be traced");
    }

    /// <summary>
    /// Runs a tool with the program it watches, with or without address space layout randomization (personality(2), ADDR_NO_RANDOMIZE).
    /// </summary>
    /// <returns>Its exit code.</returns>
    /// <exception cref="UsageException">setarch is needed and missing.</exception>
    public static int RunTraced(
        string tool, IEnumerable<string> arguments, TracedWay way, Action<string>? errorLine = null, TimeSpan? patience = null)
    {
        if (way.Randomizes)
        {
            return Run(tool, arguments, errorLine, limit: way.Limit, patience: patience);
        }

        string setArch = Find(SetArch) ?? throw new UsageException($"--no-aslr: {SetArch} is not installed: apt-get install util-linux");
        return Run(setArch, ["x86_64", "-R", Find(tool) ?? tool, .. arguments], errorLine, limit: way.Limit, patience: patience);
    }

    /// <summary>
    /// Runs a program to its end. Its standard streams are ours, or one of them goes line by line to <paramref name="errorLine"/> or
    /// <paramref name="outputLine"/>. After a limit it is interrupted as by Ctrl-C; a limit of 0 is none. Once it is interrupted, be it by
    /// the limit or with this program, it has so long to end before it is killed: a second if nothing else is said, and without an end by
    /// <see cref="Timeout.InfiniteTimeSpan"/>.
    /// </summary>
    /// <returns>Its exit code.</returns>
    public static int Run(
        string program,
        IEnumerable<string> arguments,
        Action<string>? errorLine = null,
        Action<string>? outputLine = null,
        TimeSpan limit = default,
        TimeSpan? patience = null)
    {
        TimeSpan given = patience ?? EndPatience;
        ProcessStartInfo start = new(program)
        {
            UseShellExecute = false,
            RedirectStandardError = errorLine is not null,
            RedirectStandardOutput = outputLine is not null,
        };
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using Process process = Start(start);
        void Kill() => End(process);
        Leftovers.Add(Kill);
        try
        {
            using CancellationTokenSource late = new();
            using CancellationTokenRegistration end = late.Token.Register(Kill);
            using CancellationTokenSource over = new();
            using CancellationTokenRegistration interrupt = over.Token.Register(() =>
            {
                _ = NativeProcess.Signal(process.Id, NativeProcess.Interrupt);
                late.CancelAfter(given);
            });
            if (limit > TimeSpan.Zero)
            {
                over.CancelAfter(limit);
            }

            // A terminal's signal goes to both. What takes its time to end may have it twice; others are left alone with it.
            using CancellationTokenRegistration asked =
                Interruption.Token.Register(given > EndPatience ? over.Cancel : () => late.CancelAfter(given));

            while (errorLine is not null && process.StandardError.ReadLine() is { } line)
            {
                errorLine(line);
            }

            while (outputLine is not null && process.StandardOutput.ReadLine() is { } line)
            {
                outputLine(line);
            }

            process.WaitForExit();
            return process.ExitCode;
        }
        finally
        {
            Leftovers.Forget(Kill);
        }
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception error) when (Shortage.Of(error) is null)
        {
            throw new UsageException($"{start.FileName} cannot be started: {error.Message}", error);
        }
    }

    /// <summary>Ends a program with all that it has started.</summary>
    private static void End(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (Exception reason) when (reason is InvalidOperationException or AggregateException)
        {
            // It has ended already, or a part of it is not ours to end.
        }
    }
}
