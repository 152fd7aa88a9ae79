using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Core.Exploring;

/// <summary>How large worlds are made.</summary>
/// <param name="Cores">Cores, each with one thread; 1 to 4.</param>
/// <param name="Operations">Steps of a thread at most; 1 to 6.</param>
/// <param name="Pages">Pages; 1 to 4.</param>
public sealed record WorldSize(int Cores, int Operations, int Pages)
{
    /// <summary>The most of each that is allowed.</summary>
    public const int CoresMax = 4, OperationsMax = 6, PagesMax = 4;

    /// <summary>What steps may do.</summary>
    public IReadOnlyList<ScriptVerb> Alphabet { get; init; } = DefaultAlphabet;

    /// <summary>The steps that are tried if nothing else is said.</summary>
    public static IReadOnlyList<ScriptVerb> DefaultAlphabet { get; } =
        [ScriptVerb.Load, ScriptVerb.Store, ScriptVerb.Munmap, ScriptVerb.Mprotect, ScriptVerb.Dontneed, ScriptVerb.Map];
}
