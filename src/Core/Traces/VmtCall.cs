namespace VmSim.Core.Traces;

/// <summary>Memory-management calls that have no letter of their own in a trace: those of c records, by Linux's names.</summary>
public enum VmtCall : byte
{
    /// <summary>mlock START LEN FLAGS: mlock, and mlock2 with its flags.</summary>
    Lock,

    /// <summary>munlock START LEN.</summary>
    Unlock,

    /// <summary>mlockall FLAGS.</summary>
    LockAll,

    /// <summary>munlockall.</summary>
    UnlockAll,

    /// <summary>msync START LEN FLAGS.</summary>
    Sync,

    /// <summary>mincore START LEN.</summary>
    QueryResident,

    /// <summary>mseal START LEN.</summary>
    Seal,

    /// <summary>remap_file_pages START LEN OFFSET FLAGS: the offset in bytes.</summary>
    RemapFilePages,

    /// <summary>shmdt START LEN: the length of the segment, 0 if it is not known.</summary>
    Detach,

    /// <summary>process_madvise ADVICE START LEN [START LEN]...: of the process itself.</summary>
    AdviseRanges,

    /// <summary>mbind START LEN MODE NODEMASK FLAGS: kept for later use, and nothing is simulated of it.</summary>
    BindMemory,

    /// <summary>set_mempolicy MODE NODEMASK: of the thread; kept as <see cref="BindMemory"/> is.</summary>
    SetMemoryPolicy,
}

/// <summary>The names of <see cref="VmtCall"/>s and which fields they have.</summary>
internal static class VmtCalls
{
    private static readonly Form[] Forms =
    [
        new("mlock", HasFlags: true),
        new("munlock"),
        new("mlockall", HasRange: false, HasFlags: true),
        new("munlockall", HasRange: false),
        new("msync", HasFlags: true),
        new("mincore"),
        new("mseal"),
        new("remap_file_pages", HasOffset: true, HasFlags: true),
        new("shmdt"),
        new("process_madvise", HasAdvice: true),
        new("mbind", HasPolicy: true, HasFlags: true),
        new("set_mempolicy", HasRange: false, HasPolicy: true),
    ];

    /// <summary>What a record of the call looks like, for messages.</summary>
    public static string Usage => "c NAME FIELDS [ERRNO], such as "
        + string.Join(", ", Forms.Select(form => form.Name + (form.HasAdvice ? " ADVICE" : "") + (form.HasRange ? " START LEN" : "")
            + (form.HasPolicy ? " MODE NODEMASK" : "") + (form.HasOffset ? " OFFSET" : "") + (form.HasFlags ? " FLAGS" : "")));

    /// <summary>The fields of a call.</summary>
    public static Form FormOf(VmtCall call) => Forms[(int)call];

    /// <summary>Whether a number is one of a call.</summary>
    public static bool IsCall(ulong number) => number < (ulong)Forms.Length;

    /// <summary>The call with a name.</summary>
    public static bool TryParse(ReadOnlySpan<byte> name, out VmtCall call)
    {
        for (int index = 0; index < Forms.Length; index++)
        {
            if (name.Length == Forms[index].Name.Length && System.Text.Ascii.Equals(name, Forms[index].Name))
            {
                call = (VmtCall)index;
                return true;
            }
        }

        call = default;
        return false;
    }

    /// <summary>Which fields a call has, in the order of the text: advice, range, policy, offset, flags.</summary>
    /// <param name="Name">Linux's name.</param>
    /// <param name="HasRange">Whether a range is named.</param>
    /// <param name="HasFlags">Whether flags are.</param>
    /// <param name="HasOffset">Whether an offset is.</param>
    /// <param name="HasPolicy">Whether a memory policy is: its mode and the nodes that it names.</param>
    /// <param name="HasAdvice">Whether advice is; then more ranges may follow.</param>
    public readonly record struct Form(
        string Name, bool HasRange = true, bool HasFlags = false, bool HasOffset = false, bool HasAdvice = false,
        bool HasPolicy = false);
}
