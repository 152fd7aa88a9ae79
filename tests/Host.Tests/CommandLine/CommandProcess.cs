using System.Diagnostics;
using System.Globalization;
using System.Text;
using VmSim.Testing;

namespace VmSim.Host.Tests.CommandLine;

/// <summary>
/// A command line in a process of its own that says how far it is, so that tests wait for what happens in it. It ends with the test.
/// </summary>
internal sealed class CommandProcess : IDisposable
{
    /// <summary>What a run says once it simulates.</summary>
    public const string Simulates = "simulated ";

    private readonly Process _process;
    private readonly Task<string> _output;
    private readonly StringBuilder _said = new();
    private Task<string>? _rest;

    private CommandProcess(Process process)
    {
        _process = process;
        _output = process.StandardOutput.ReadToEndAsync();
    }

    public bool HasExited => _process.HasExited;

    /// <summary>
    /// Starts <c>vmsim</c> with arguments. Signals mean what they mean at a terminal, also where these tests run in a script's background,
    /// which ignores Ctrl-C, or under nohup.
    /// </summary>
    public static CommandProcess Start(params string[] arguments) => StartWith([], arguments);

    /// <summary>As <see cref="Start"/>, with variables of the environment, each NAME=VALUE.</summary>
    public static CommandProcess StartWith(IReadOnlyList<string> variables, params string[] arguments) =>
        StartProgram(typeof(CommandLineApp).Assembly.Location, variables, arguments);

    /// <summary>As <see cref="StartWith"/>, with another build of the program.</summary>
    public static CommandProcess StartProgram(string program, IReadOnlyList<string> variables, params string[] arguments)
    {
        ProcessStartInfo start = new("env", ["--default-signal=INT,HUP,TERM", .. variables, "dotnet", program, .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["VMSIM_PROGRESS"] = "lines" },
        };
        return new CommandProcess(Process.Start(start)!);
    }

    /// <summary>Sends a signal to a process.</summary>
    /// <param name="process">The process.</param>
    /// <param name="signal">The signal's name, without SIG.</param>
    public static async Task SignalAsync(int process, string signal)
    {
        using Process kill = Process.Start("kill", [$"-{signal}", process.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync().OrHangAsync();
    }

    /// <summary>Waits for a line on stderr.</summary>
    /// <param name="words">Words of the line.</param>
    /// <exception cref="InvalidOperationException">The process ends without it.</exception>
    public async Task<string> SaysAsync(string words)
    {
        while (await _process.StandardError.ReadLineAsync().OrHangAsync() is { } line)
        {
            _said.AppendLine(line);
            if (line.Contains(words, StringComparison.Ordinal))
            {
                return line;
            }
        }

        throw new InvalidOperationException($"the process has ended without \"{words}\"; it said:\n{_said}");
    }

    /// <summary>
    /// Reads what else it says on stderr, without which a process that says much would wait for a reader. Nothing is waited for then.
    /// </summary>
    public void ReadRest() => _rest = _process.StandardError.ReadToEndAsync();

    /// <summary>
    /// Sends a signal to the process, once it is past the program that has signals mean what they mean: before, it may still ignore them.
    /// </summary>
    public Task SignalAsync(string signal)
    {
        HangGuard.Until(() => _process.HasExited || NameOf(_process.Id) != "env");
        return SignalAsync(_process.Id, signal);
    }

    /// <summary>Waits until the process is gone.</summary>
    public Task ExitAsync() => _process.WaitForExitAsync().OrHangAsync();

    /// <summary>Waits for the end.</summary>
    /// <returns>The exit code, and all that was written.</returns>
    public async Task<(int Code, string Output, string Error)> EndAsync()
    {
        _said.Append(await (_rest ?? _process.StandardError.ReadToEndAsync()).OrHangAsync());
        string output = await _output.OrHangAsync();
        await _process.WaitForExitAsync().OrHangAsync();
        return (_process.ExitCode, output, _said.ToString());
    }

    /// <summary>The processes that this one has started and that run.</summary>
    public List<Process> Children() => [.. Process.GetProcessesByName("dotnet").Where(process => ParentOf(process.Id) == _process.Id)];

    /// <summary>
    /// Waits until a process that this one has started runs no more. Its parent may be frozen, so that it stays as a zombie, which
    /// <see cref="Process.WaitForExitAsync"/> takes for running.
    /// </summary>
    public static Task EndAsync(Process child) =>
        Task.Run(() => HangGuard.Until(() => StatOf(child.Id) is not [not ("Z" or "X"), ..]));

    public void Dispose()
    {
        _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    /// <summary>The name of the program that a process runs; empty if it is gone.</summary>
    private static string NameOf(int process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/comm").Trim();
        }
        catch (IOException)
        {
            return "";
        }
    }

    private static int ParentOf(int process) =>
        StatOf(process) is [_, string parent, ..] ? int.Parse(parent, CultureInfo.InvariantCulture) : -1;

    /// <summary>State, parent and so on of a process: the fields behind its name, which may hold blanks; none if it is gone.</summary>
    private static string[] StatOf(int process)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{process}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return [];
        }
    }
}
