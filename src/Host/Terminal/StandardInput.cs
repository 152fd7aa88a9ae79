namespace VmSim.Host.Terminal;

/// <summary>Standard input, as it came with the process.</summary>
internal static class StandardInput
{
    /// <summary>Opens it.</summary>
    /// <exception cref="IOException">It was closed.</exception>
    public static Stream Open()
    {
        Require();
        return Console.OpenStandardInput();
    }

    /// <summary>Sees to it that it is open.</summary>
    /// <exception cref="IOException">
    /// It was closed: its number then belongs to something that the runtime has opened, on which a reader would wait for ever.
    /// </exception>
    public static void Require()
    {
        if (!OperatingSystem.IsWindows() && !NativeProcess.IsOurs(0))
        {
            throw new IOException("standard input is closed; give the command one: < FILE");
        }
    }
}
