using VmSim.Core.Programs;

namespace VmSim.Host.Maps;

/// <summary>An area as the kernel shows it: a line of /proc/PID/maps and what smaps says of it (proc(5)).</summary>
internal sealed record KernelArea
{
    /// <summary>First address.</summary>
    public required ulong Start { get; init; }

    /// <summary>The address behind the last one.</summary>
    public required ulong End { get; init; }

    /// <summary>What may be done with its pages.</summary>
    public required Protection Rights { get; init; }

    /// <summary>Whether stores reach the file or the other mappings.</summary>
    public required bool IsShared { get; init; }

    /// <summary>Byte offset of its first page in the file.</summary>
    public required ulong Offset { get; init; }

    /// <summary>The file's path or a name in brackets; empty for none.</summary>
    public required string Name { get; init; }

    /// <summary>Resident bytes; 0 also when only maps was read.</summary>
    public ulong ResidentBytes { get; set; }

    /// <summary>Bytes in pages that belong to no file.</summary>
    public ulong AnonymousBytes { get; set; }

    /// <summary>Bytes in huge pages, whatever they hold.</summary>
    public ulong HugeBytes { get; set; }
}

/// <summary>When a snapshot was taken.</summary>
internal enum SnapshotEvent
{
    /// <summary>A program has begun, and has made no call yet that moves its break.</summary>
    Start,

    /// <summary>Another program is about to replace this one.</summary>
    Execute,

    /// <summary>The process is about to end.</summary>
    Exit,

    /// <summary>A memory call is about to be made.</summary>
    Call,
}

/// <summary>The areas of a process at one moment.</summary>
internal sealed class KernelSnapshot
{
    /// <summary>The process; 0 when the file does not say.</summary>
    public required ulong Process { get; init; }

    /// <summary>Its parent; 0 when the file does not say.</summary>
    public ulong Parent { get; init; }

    /// <summary>When it was taken.</summary>
    public required SnapshotEvent Event { get; init; }

    /// <summary>The program's path; empty when the file does not say.</summary>
    public string Program { get; init; } = "";

    /// <summary>The call's name (Call).</summary>
    public string CallName { get; init; } = "";

    /// <summary>The call's six arguments (Call).</summary>
    public IReadOnlyList<ulong> Arguments { get; init; } = [];

    /// <summary>Minor faults of the process so far; -1 when the file does not say.</summary>
    public long MinorFaults { get; set; } = -1;

    /// <summary>Threads of the process, of which one waited while the snapshot was taken; 0 when the file does not say.</summary>
    public long Threads { get; set; }

    /// <summary>The areas by rising address.</summary>
    public List<KernelArea> Areas { get; } = [];
}
