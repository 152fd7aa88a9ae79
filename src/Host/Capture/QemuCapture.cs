namespace VmSim.Host.Capture;

/// <summary>Runs a program under QEMU's user mode with the tracing plug-in.</summary>
internal static class QemuCapture
{
    private const string Source = "vmtplug.c";
    private const UnixFileMode UserOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Runs the program; afterwards the traces of it and of its forked children are in <paramref name="folder"/>.</summary>
    /// <returns>The main process's raw trace and the program's exit code.</returns>
    public static (string Trace, int ExitCode) Run(
        string program, IReadOnlyList<string> arguments, string folder, int sets, TracedWay way, bool stacks)
    {
        string plugin = CompiledSource.Build(Source, ".so", "-shared", "-fPIC");
        string trace = Path.Combine(folder, "trace");
        string options = $"{plugin},out={trace},sets={sets},name={Plain(Path.GetFileName(program))},stacks={(stacks ? 1 : 0)}";
        int exitCode = CaptureTools.RunTraced(CaptureTools.Qemu, ["-plugin", options, program, .. arguments], way);
        return (trace, exitCode);
    }

    /// <summary>A name without what separates the plug-in's options.</summary>
    private static string Plain(string name) => string.Concat(name.Select(character => character is ',' or '=' or ' ' ? '_' : character));
}
