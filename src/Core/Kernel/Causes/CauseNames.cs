using VmSim.Core.Memory;
using VmSim.Core.Programs;

namespace VmSim.Core.Kernel.Causes;

/// <summary>What causes are called, by texts that are made once.</summary>
internal static class CauseNames
{
    /// <summary>A fork.</summary>
    public const string Fork = "fork";

    /// <summary>The end of a process.</summary>
    public const string Exit = "exit";

    private static readonly string[] Faults = [.. Enum.GetValues<FaultKind>().Select(kind => $"fault ({Describe(kind)})")];

    private static readonly Dictionary<Advice, string> Advices =
        Enum.GetValues<Advice>().ToDictionary(advice => advice, advice => $"({CallText.NameOf(advice)})");

    private static readonly Dictionary<(string, Advice), string> Advised = Enum.GetValues<Advice>()
        .SelectMany(advice => new[] { "madvise", "process_madvise" }.Select(name => (name, advice)))
        .ToDictionary(key => key, key => key.name + Advices[key.advice]);

    /// <summary>The name of a fault.</summary>
    public static string Of(FaultKind kind) => Faults[(int)kind];

    /// <summary>The name of a call.</summary>
    public static string Of(SystemCall call)
    {
        string name = CallText.NameOf(call);
        return call.Kind == SystemCallKind.Advise ? Advised.GetValueOrDefault((name, call.Advice), name) : name;
    }

    private static string Describe(FaultKind kind) => kind switch
    {
        FaultKind.Spurious => "spurious",
        FaultKind.ZeroPage => "zero page",
        FaultKind.Anonymous => "new page",
        FaultKind.CopyOnWrite => "copy-on-write",
        FaultKind.ReuseWrite => "no longer shared",
        FaultKind.File => "file",
        FaultKind.FilePrivateCopy => "copy of a file page",
        FaultKind.FileShared => "shared",
        FaultKind.Huge => "huge",
        FaultKind.Major => "major",
        FaultKind.AccessedDirty => "accessed or dirty bit",
        _ => "refused",
    };
}
