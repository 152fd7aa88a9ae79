using System.Diagnostics;

namespace VmSim.Host.Hosting;

/// <summary>This program as a child process of itself.</summary>
internal static class OwnProgram
{
    /// <summary>
    /// How long no new code must have come before code that is called often is compiled well, in hexadecimal: the runtime's own 100 ms. A
    /// command does that at once, which a processor of its own repays; children share processors, and have much of it compiled twice.
    /// </summary>
    private const string CompilationDelay = "64";

    private const string CompilationDelayVariable = "DOTNET_TC_CallCountingDelayMs";

    /// <summary>How a child is started; its three streams are this process's to read and write.</summary>
    /// <param name="arguments">Its command line.</param>
    public static ProcessStartInfo Start(params IEnumerable<string> arguments)
    {
        // Its own executable, or the dotnet that runs it.
        string program = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) is "vmsim" or "dotnet"
            ? Environment.ProcessPath
            : "dotnet";
        ProcessStartInfo start = new(program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        if (Path.GetFileNameWithoutExtension(program) != "vmsim")
        {
            start.ArgumentList.Add(typeof(OwnProgram).Assembly.Location);
        }

        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        // What the user says holds.
        start.Environment.TryAdd(CompilationDelayVariable, CompilationDelay);

        return start;
    }

    /// <summary>Closes a child's standard input, which asks it to end; one that has ended, or is disposed of, is asked nothing.</summary>
    public static void Close(Process child)
    {
        try
        {
            child.StandardInput.Close();
        }
        catch (Exception reason) when (reason is IOException or InvalidOperationException)
        {
            // There is nobody who could be asked.
        }
    }

    /// <summary>Ends a child at once, and what it has started; also one that is frozen.</summary>
    public static void Kill(Process child)
    {
        try
        {
            child.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It has ended already.
        }
    }
}
