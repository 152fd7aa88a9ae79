using System.Diagnostics;

namespace VmSim.Host.Hosting;

/// <summary>This program as a child process of itself.</summary>
internal static class OwnProgram
{
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

        return start;
    }
}
