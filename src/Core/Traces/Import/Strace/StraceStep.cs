namespace VmSim.Core.Traces.Import.Strace;

/// <summary>Something that a thread did, ready to be written.</summary>
/// <param name="Thread">The thread's number in its trace.</param>
/// <param name="Record">The record.</param>
/// <param name="Name">The name it is counted by; null if it is counted elsewhere.</param>
/// <param name="Path">The file of a mapping; null for none.</param>
internal readonly record struct StraceStep(int Thread, VmtRecord Record, string? Name, string? Path = null)
{
    /// <summary>From where it was called, the innermost frame first; null where the log does not say.</summary>
    public string[]? Frames { get; init; }

    /// <summary>Whether it maps something in a range, so that the range was free before it.</summary>
    /// <param name="start">First address.</param>
    /// <param name="end">The address behind the last one.</param>
    public bool Maps(ulong start, ulong end)
    {
        (ulong from, ulong bytes) = Record.Kind switch
        {
            VmtKind.Map => (Record.Start, Record.Bytes),
            VmtKind.Remap => (Record.NewStart, Record.NewBytes),
            _ => (0UL, 0UL),
        };
        return bytes > 0 && from < end && from + (bytes - 1) >= start;
    }
}
