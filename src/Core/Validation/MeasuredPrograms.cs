using VmSim.Core.Programs;
using VmSim.Core.Settings;

namespace VmSim.Core.Validation;

/// <summary>All programs whose figures can be compared.</summary>
public static class MeasuredPrograms
{
    /// <summary>The programs, family by family.</summary>
    public static Registry<MeasuredProgram> All { get; } =
        new("measured program", [.. ShootdownPrograms.All, .. FaultPrograms.All, .. RatePrograms.All, .. PublishedPrograms.All]);

    /// <summary>The file that programs map: larger than all that they map of it.</summary>
    internal static ProgramFile File { get; } = new("data", 64 << 20);
}
