namespace VmSim.Core.Traces;

/// <summary>What a record of a .vmt trace says.</summary>
public enum VmtKind : byte
{
    /// <summary>A comment or the header; <see cref="VmtRecord.Text"/> is the line.</summary>
    Comment,

    /// <summary>f: file <see cref="VmtRecord.A"/> has the path <see cref="VmtRecord.Text"/>.</summary>
    File,

    /// <summary>i: mapped before the first instruction; fields as <see cref="Map"/>.</summary>
    InitialMap,

    /// <summary>t: what follows is thread A's.</summary>
    Thread,

    /// <summary>n: the thread made a thread with kernel id A.</summary>
    Clone,

    /// <summary>x: thread A ended.</summary>
    Exit,

    /// <summary>k fork: the thread made process A.</summary>
    Fork,

    /// <summary>k exec: the process starts a new program in a new address space; initial maps follow.</summary>
    Exec,

    /// <summary>m: A start, B bytes, C rights, D flags, E offset, <see cref="VmtRecord.FileId"/>.</summary>
    Map,

    /// <summary>u: A start, B bytes.</summary>
    Unmap,

    /// <summary>p: A start, B bytes, C rights.</summary>
    Protect,

    /// <summary>b: A the break after the call.</summary>
    Break,

    /// <summary>r: A old start, B old bytes, C new bytes, D flags, E new start.</summary>
    Remap,

    /// <summary>d: A start, B bytes, C advice.</summary>
    Advise,

    /// <summary>s ... R: the kernel read B bytes of a user buffer at A.</summary>
    KernelLoad,

    /// <summary>s ... W: the kernel wrote B bytes of a user buffer at A.</summary>
    KernelStore,

    /// <summary>I: B instruction fetches from page A.</summary>
    Fetch,

    /// <summary>R: B loads from page A.</summary>
    Load,

    /// <summary>W: B accesses to page A, at least the first a store.</summary>
    Store,
}

/// <summary>One record of a .vmt trace; which fields count depends on the kind (see <see cref="VmtKind"/>), the others are 0.</summary>
public struct VmtRecord
{
    /// <summary>What it says.</summary>
    public VmtKind Kind;

    /// <summary>The decimal file id of a file or a mapping; -1 for none.</summary>
    public int FileId;

    /// <summary>First field.</summary>
    public ulong A;

    /// <summary>Second field.</summary>
    public ulong B;

    /// <summary>Third field.</summary>
    public ulong C;

    /// <summary>Fourth field.</summary>
    public ulong D;

    /// <summary>Fifth field.</summary>
    public ulong E;

    /// <summary>A path, a name or a comment; null for none.</summary>
    public string? Text;
}
