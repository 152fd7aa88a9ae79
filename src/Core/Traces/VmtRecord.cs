using System.Diagnostics;
using VmSim.Core.Addresses;
using VmSim.Core.Programs;

namespace VmSim.Core.Traces;

/// <summary>What a record of a .vmt trace says.</summary>
public enum VmtKind : byte
{
    /// <summary>A comment or the header; <see cref="VmtRecord.Text"/> is the line.</summary>
    Comment,

    /// <summary>f: file <see cref="VmtRecord.FileId"/> has the path <see cref="VmtRecord.Text"/>.</summary>
    File,

    /// <summary>i: mapped before the first instruction; fields as <see cref="Map"/>.</summary>
    InitialMap,

    /// <summary>t: what follows is the thread's with number <see cref="VmtRecord.Number"/>.</summary>
    Thread,

    /// <summary>n: the thread made a thread whose kernel id is <see cref="VmtRecord.Number"/>.</summary>
    Clone,

    /// <summary>x: the thread with number <see cref="VmtRecord.Number"/> ended.</summary>
    Exit,

    /// <summary>k fork: the thread made the process whose id is <see cref="VmtRecord.Number"/>.</summary>
    Fork,

    /// <summary>k exec: the process starts a new program in a new address space; initial maps follow.</summary>
    Exec,

    /// <summary>m: a mapping of a range, with rights, flags, and a file and offset.</summary>
    Map,

    /// <summary>u: a range is unmapped.</summary>
    Unmap,

    /// <summary>p: a range gets other rights.</summary>
    Protect,

    /// <summary>b: the break after the call.</summary>
    Break,

    /// <summary>r: a range moves to a new place or gets a new length.</summary>
    Remap,

    /// <summary>d: advice on a range.</summary>
    Advise,

    /// <summary>s ... R: the kernel read a user buffer.</summary>
    KernelLoad,

    /// <summary>s ... W: the kernel wrote a user buffer.</summary>
    KernelStore,

    /// <summary>I: instruction fetches from a page.</summary>
    Fetch,

    /// <summary>R: loads from a page.</summary>
    Load,

    /// <summary>W: accesses to a page, at least the first a store.</summary>
    Store,

    /// <summary>c: a memory-management call without a letter of its own; <see cref="VmtRecord.Call"/> says which.</summary>
    Call,

    /// <summary>
    /// w: the thread slept in the call named <see cref="VmtRecord.Text"/> since its record before, and is awake again here.
    /// </summary>
    Sleep,

    /// <summary>g: call site <see cref="VmtRecord.Number"/> has the frames <see cref="VmtRecord.Text"/>, the innermost first.</summary>
    Site,

    /// <summary>@: the thread makes its next call from call site <see cref="VmtRecord.Number"/>.</summary>
    CalledFrom,
}

/// <summary>
/// One record of a .vmt trace. What it says is read by name; which names mean something depends on <see cref="Kind"/>, and reading another
/// is a bug.
/// </summary>
/// <remarks>
/// Five numbers hold what all kinds have to say. Their packing is known in this file alone; the binary form writes them as they are.
/// </remarks>
public struct VmtRecord
{
    private ulong _first;
    private ulong _second;
    private ulong _third;
    private ulong _fourth;
    private ulong _fifth;

    private VmtRecord(VmtKind kind, ulong first = 0, ulong second = 0, ulong third = 0)
    {
        Kind = kind;
        FileId = -1;
        _first = first;
        _second = second;
        _third = third;
    }

    /// <summary>What it says.</summary>
    public VmtKind Kind { get; private set; }

    /// <summary>The decimal id of the file of a <see cref="VmtKind.File"/> or a mapping; -1 for none.</summary>
    public int FileId { get; private set; }

    /// <summary>A path, a name or a comment; null for none.</summary>
    public string? Text { get; private set; }

    /// <summary>
    /// A thread's number (<see cref="VmtKind.Thread"/>, <see cref="VmtKind.Exit"/>), the kernel's id of a thread
    /// (<see cref="VmtKind.Clone"/>), a process's id (<see cref="VmtKind.Fork"/>), or a call site's (<see cref="VmtKind.Site"/>,
    /// <see cref="VmtKind.CalledFrom"/>).
    /// </summary>
    public readonly ulong Number =>
        Of(_first, Kind is VmtKind.Thread or VmtKind.Exit or VmtKind.Clone or VmtKind.Fork or VmtKind.Site or VmtKind.CalledFrom);

    /// <summary>First address of the range of a mapping, a call or a buffer.</summary>
    public readonly ulong Start => Of(_first, HasRange);

    /// <summary>Bytes of that range.</summary>
    public readonly ulong Bytes => Of(_second, HasRange);

    /// <summary>Rights of a mapping or of a protect call: PROT_ bits.</summary>
    public readonly ulong Rights => Of(_third, IsMapping || Kind == VmtKind.Protect);

    /// <summary>MAP_ bits of a mapping, MREMAP_ bits of a remap call, or the flags of a <see cref="VmtKind.Call"/>.</summary>
    public readonly ulong Flags => Of(_fourth, IsMapping || Kind is VmtKind.Remap or VmtKind.Call);

    /// <summary>Offset of a mapping in its file, in bytes.</summary>
    public readonly ulong Offset => Of(_fifth, IsMapping || Kind == VmtKind.Call);

    /// <summary>The mode of a memory policy with its flags: the MPOL_ number and MPOL_F_ bits.</summary>
    public readonly uint PolicyMode => (uint)Of(_fourth, Kind == VmtKind.Call);

    /// <summary>The flags of an mbind call: MPOL_MF_ bits.</summary>
    public readonly uint PolicyFlags => (uint)(Of(_fourth, Kind == VmtKind.Call) >> 32);

    /// <summary>The nodes that a memory policy names, one bit each, from node 0 on.</summary>
    public readonly ulong PolicyNodes => Of(_fifth, Kind == VmtKind.Call);

    /// <summary>What an advise call advises: the MADV_ number.</summary>
    public readonly ulong Advice => Kind == VmtKind.Call ? _fourth : Of(_third, Kind == VmtKind.Advise);

    /// <summary>Which call a <see cref="VmtKind.Call"/> is.</summary>
    public readonly VmtCall Call => (VmtCall)Of(_third, Kind == VmtKind.Call);

    /// <summary>Whether a <see cref="VmtKind.Call"/> from outside names a call that there is.</summary>
    internal readonly bool HasKnownCall => VmtCalls.IsCall(_third);

    /// <summary>What the call answered; none for a call that succeeded, and for records that are no calls.</summary>
    /// <remarks>A call that failed stands in a trace only if it changed something, as madvise does before it comes to a hole.</remarks>
    public readonly Errno Errno
    {
        get
        {
            _ = VmtTail.TryParse(HasTail ? Text : null, mayHaveRanges: true, out _, out Errno errno);
            return errno;
        }
    }

    /// <summary>The ranges after the first of a process_madvise call; none of other records.</summary>
    public readonly IReadOnlyList<AddrRange<VirtAddr>> MoreRanges
    {
        get
        {
            string? tail = Kind == VmtKind.Call ? Text : null;
            _ = VmtTail.TryParse(tail, mayHaveRanges: true, out IReadOnlyList<AddrRange<VirtAddr>> ranges, out _);
            return ranges;
        }
    }

    /// <summary>The break after the call.</summary>
    public readonly ulong Break => Of(_first, Kind == VmtKind.Break);

    /// <summary>Bytes of a remapped range after the call.</summary>
    public readonly ulong NewBytes => Of(_third, Kind == VmtKind.Remap);

    /// <summary>First address of a remapped range after the call.</summary>
    public readonly ulong NewStart => Of(_fifth, Kind == VmtKind.Remap);

    /// <summary>The page that is accessed.</summary>
    public readonly ulong Page => Of(_first, IsAccess);

    /// <summary>How many accesses it stands for, from 1.</summary>
    public readonly ulong Count => Of(_second, IsAccess);

    private readonly bool IsMapping => Kind is VmtKind.Map or VmtKind.InitialMap;

    /// <summary>Whether it is a fetch, a load or a store.</summary>
    public readonly bool IsAccess => Kind is >= VmtKind.Fetch and <= VmtKind.Store;

    /// <summary>Whether an error may stand behind its fields.</summary>
    public readonly bool HasTail => Kind is VmtKind.Unmap or VmtKind.Protect or VmtKind.Remap or VmtKind.Advise or VmtKind.Call;

    private readonly bool HasRange => IsMapping || HasTail || Kind is VmtKind.KernelLoad or VmtKind.KernelStore;

    /// <summary>How long a sleep lasted where it was recorded, in nanoseconds; 0 if that is not known.</summary>
    public readonly ulong Nanoseconds => Of(_first, Kind == VmtKind.Sleep);

    /// <summary>What ended a sleep.</summary>
    public readonly WakeCause WakeCause =>
        Of(_second, Kind == VmtKind.Sleep) < (ulong)WakeCause.Thread ? (WakeCause)_second : WakeCause.Thread;

    /// <summary>The number of the thread that ended a sleep (<see cref="WakeCause.Thread"/>).</summary>
    public readonly ulong Waker => Of(_second, Kind == VmtKind.Sleep && WakeCause == WakeCause.Thread) - (ulong)WakeCause.Thread;

    /// <summary>A comment, or the header: the whole line.</summary>
    public static VmtRecord Comment(string line) => new(VmtKind.Comment) { Text = line };

    /// <summary>A file's path.</summary>
    public static VmtRecord File(int id, string path) => new(VmtKind.File) { FileId = id, Text = path };

    /// <summary>A mapping that stands before the first instruction, or a map call.</summary>
    /// <param name="kind"><see cref="VmtKind.InitialMap"/> or <see cref="VmtKind.Map"/>.</param>
    /// <param name="start">First address.</param>
    /// <param name="bytes">Length.</param>
    /// <param name="rights">PROT_ bits.</param>
    /// <param name="flags">MAP_ bits.</param>
    /// <param name="file">The file's id; -1 for none.</param>
    /// <param name="offset">Offset in the file, in bytes.</param>
    /// <param name="name">A name such as [stack]; null for none.</param>
    public static VmtRecord Mapping(
        VmtKind kind, ulong start, ulong bytes, ulong rights, ulong flags, int file, ulong offset, string? name = null)
    {
        Debug.Assert(kind is VmtKind.Map or VmtKind.InitialMap, "a mapping is a call or stands before the first instruction");
        return new VmtRecord(kind, start, bytes, rights) { _fourth = flags, _fifth = offset, FileId = file, Text = name };
    }

    /// <summary>A range is unmapped.</summary>
    public static VmtRecord Unmap(ulong start, ulong bytes) => new(VmtKind.Unmap, start, bytes);

    /// <summary>A range gets other rights, PROT_ bits.</summary>
    public static VmtRecord Protect(ulong start, ulong bytes, ulong rights) => new(VmtKind.Protect, start, bytes, rights);

    /// <summary>Advice on a range, the MADV_ number.</summary>
    public static VmtRecord Advise(ulong start, ulong bytes, ulong advice) => new(VmtKind.Advise, start, bytes, advice);

    /// <summary>The break after a call.</summary>
    public static VmtRecord SetBreak(ulong address) => new(VmtKind.Break, address);

    /// <summary>A range moves or gets a new length.</summary>
    public static VmtRecord Remap(ulong start, ulong bytes, ulong newBytes, ulong flags, ulong newStart) =>
        new(VmtKind.Remap, start, bytes, newBytes) { _fourth = flags, _fifth = newStart };

    /// <summary>A call without a letter of its own; fields that the call does not have are 0.</summary>
    /// <param name="call">Which call.</param>
    /// <param name="start">First address.</param>
    /// <param name="bytes">Length.</param>
    /// <param name="flags">Its flags, or the MADV_ number of process_madvise.</param>
    /// <param name="offset">Offset in the file, in bytes.</param>
    public static VmtRecord OfCall(VmtCall call, ulong start = 0, ulong bytes = 0, ulong flags = 0, ulong offset = 0) =>
        new(VmtKind.Call, start, bytes, (ulong)call) { _fourth = flags, _fifth = offset };

    /// <summary>A call that says on which nodes memory is to be: mbind of a range, or set_mempolicy.</summary>
    /// <param name="call"><see cref="VmtCall.BindMemory"/> or <see cref="VmtCall.SetMemoryPolicy"/>.</param>
    /// <param name="mode">The MPOL_ number and MPOL_F_ bits.</param>
    /// <param name="nodes">The nodes, one bit each.</param>
    /// <param name="start">First address; 0 for set_mempolicy.</param>
    /// <param name="bytes">Length; 0 for set_mempolicy.</param>
    /// <param name="flags">MPOL_MF_ bits; 0 for set_mempolicy.</param>
    public static VmtRecord OfPolicy(VmtCall call, uint mode, ulong nodes, ulong start = 0, ulong bytes = 0, uint flags = 0) =>
        OfCall(call, start, bytes, mode | ((ulong)flags << 32), nodes);

    /// <summary>The same call with what it answered and, of process_madvise, the ranges after the first.</summary>
    public readonly VmtRecord Answered(Errno errno, IReadOnlyList<AddrRange<VirtAddr>>? moreRanges = null)
    {
        Debug.Assert(HasTail, "only calls answer");
        VmtRecord record = this;
        record.Text = VmtTail.Format(moreRanges ?? [], errno);
        return record;
    }

    /// <summary>What follows is a thread's.</summary>
    public static VmtRecord Thread(ulong number) => new(VmtKind.Thread, number);

    /// <summary>The thread made another, whose id in the kernel this is.</summary>
    public static VmtRecord Clone(ulong kernelId) => new(VmtKind.Clone, kernelId);

    /// <summary>A thread ended.</summary>
    public static VmtRecord Exit(ulong number) => new(VmtKind.Exit, number);

    /// <summary>The thread made a process.</summary>
    public static VmtRecord Fork(ulong process) => new(VmtKind.Fork, process);

    /// <summary>The thread slept since its record before.</summary>
    /// <param name="call">The call that it slept in: a word.</param>
    /// <param name="nanoseconds">How long; 0 if that is not known.</param>
    /// <param name="cause">What ended the sleep.</param>
    /// <param name="waker">The number of the thread that ended it, for <see cref="WakeCause.Thread"/>.</param>
    public static VmtRecord Sleep(string call, ulong nanoseconds, WakeCause cause, ulong waker = 0)
    {
        Debug.Assert(cause == WakeCause.Thread || waker == 0, "only a thread has a number");
        return new VmtRecord(VmtKind.Sleep, nanoseconds, (ulong)cause + waker) { Text = call };
    }

    /// <summary>A call site's frames, the innermost first, separated by semicolons.</summary>
    public static VmtRecord Site(ulong number, string frames) => new(VmtKind.Site, number) { Text = frames };

    /// <summary>The thread makes its next call from a call site.</summary>
    public static VmtRecord CalledFrom(ulong site) => new(VmtKind.CalledFrom, site);

    /// <summary>The process starts a new program in a new address space.</summary>
    public static VmtRecord Exec() => new(VmtKind.Exec);

    /// <summary>The kernel read or wrote a user buffer.</summary>
    public static VmtRecord KernelAccess(bool isStore, ulong start, ulong bytes) =>
        new(isStore ? VmtKind.KernelStore : VmtKind.KernelLoad, start, bytes);

    /// <summary>Accesses to a page.</summary>
    /// <param name="kind"><see cref="VmtKind.Fetch"/>, <see cref="VmtKind.Load"/> or <see cref="VmtKind.Store"/>.</param>
    /// <param name="page">The page's number.</param>
    /// <param name="count">How many, from 1.</param>
    public static VmtRecord Access(VmtKind kind, ulong page, ulong count)
    {
        Debug.Assert(kind is >= VmtKind.Fetch and <= VmtKind.Store, "a fetch, a load or a store");
        return new VmtRecord(kind, page, count);
    }

    /// <summary>The same accesses, another number of them.</summary>
    public readonly VmtRecord WithCount(ulong count) => Access(Kind, Page, count);

    /// <summary>One access more.</summary>
    internal void AddOne()
    {
        Debug.Assert(IsAccess, "only accesses are counted");
        _second++;
    }

    /// <summary>The five numbers as the binary form writes them.</summary>
    internal readonly void CopyNumbers(Span<ulong> to)
    {
        to[0] = _first;
        to[1] = _second;
        to[2] = _third;
        to[3] = _fourth;
        to[4] = _fifth;
    }

    /// <summary>A record from the five numbers that <see cref="CopyNumbers"/> gave.</summary>
    internal static VmtRecord OfNumbers(VmtKind kind, ReadOnlySpan<ulong> numbers, int file) =>
        new(kind, numbers[0], numbers[1], numbers[2]) { _fourth = numbers[3], _fifth = numbers[4], FileId = file };

    /// <summary>The record with a path, a name or a comment.</summary>
    internal readonly VmtRecord WithText(string text)
    {
        VmtRecord record = this;
        record.Text = text;
        return record;
    }

    private readonly ulong Of(ulong number, bool has)
    {
        Debug.Assert(has, $"a {Kind} record has no such number");
        return number;
    }
}
