using System.Runtime.CompilerServices;
using System.Text;
using VmSim.Actors.Configuration;
using VmSim.Host.Files;
using VmSim.Host.Terminal;

namespace VmSim.Host;

/// <summary>
/// Where the process begins and ends. Whatever happens, in whichever thread, it ends with an exit code of <see cref="ExitCodes"/> and a
/// sentence: also where even the program's own parts cannot be loaded for want of descriptors.
/// </summary>
internal static class Entry
{
    /// <summary>Runs a command line.</summary>
    public static int Run(string[] args)
    {
        try
        {
            if (!OperatingSystem.IsWindows())
            {
                NativeProcess.Prepare();
            }

            Shortage.Watch();
            AppDomain.CurrentDomain.UnhandledException += (_, happened) => EndWith((Exception)happened.ExceptionObject);
            using Interruption interruption = Interruption.Watch(Leftovers.RemoveAll);
            return RunCommand(args);
        }
        catch (Exception reason)
        {
            EndWith(reason);
            return ExitCodes.Internal;
        }
    }

    /// <summary>Apart, so that what it needs is loaded inside of the try above.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int RunCommand(string[] args)
    {
        Console.SetOut(StandardOutput.Writer(1));
        Console.SetError(StandardOutput.Writer(2));
        TraceFiles.Converted = new ConvertedTraces();
        return CommandLineApp.RunAsync(args, Console.Out, Console.Error).GetAwaiter().GetResult();
    }

    private static void EndWith(Exception reason)
    {
        string? shortage = Shortage.Of(reason);
        string message = shortage ?? $"internal error: {reason}";
        if (!OperatingSystem.IsWindows())
        {
            _ = NativeProcess.Write(2, Encoding.UTF8.GetBytes($"vmsim: {message}\n"));
        }

        Interruption.End(shortage is null ? ExitCodes.Internal : ExitCodes.System);
    }
}
