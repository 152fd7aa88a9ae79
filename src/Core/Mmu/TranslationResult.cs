using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Mmu;

/// <summary>How a translation went.</summary>
public enum TranslationOutcome : byte
{
    /// <summary>The first-level TLB had it.</summary>
    L1Hit,

    /// <summary>The second-level TLB had it.</summary>
    StlbHit,

    /// <summary>A page walk found it.</summary>
    Walked,

    /// <summary>A page walk found nothing: a page fault.</summary>
    NotPresentFault,

    /// <summary>The access is not allowed, or needs an accessed or dirty bit that the kernel must set: a page fault.</summary>
    ProtectionFault,

    /// <summary>
    /// The host's table has no usable translation, or too few rights, for a guest-physical page that a nested walk needs. It is a fault of
    /// the host (EPT violation, nested page fault). The result's frame is the guest-physical page number.
    /// </summary>
    HostFault,
}

/// <summary>What a translation found and cost.</summary>
/// <remarks>
/// Two words, so that it is returned in registers: a struct that is copied through memory makes a miss wait for its stores.
/// </remarks>
public readonly struct TranslationResult
{
    private const int FrameShift = 16;
    private const int ReferencesShift = 32;
    private const int StartShift = 40;
    private const int OutcomeShift = 48;
    private const int SizeShift = 56;

    /// <summary>Frame number from bit 16, accessed and dirty bits of the guest's or only table below.</summary>
    private readonly ulong _frame;

    /// <summary>Cycles in 32 bits; then references, start, outcome and size in 8 each.</summary>
    private readonly ulong _cost;

    /// <summary>A translation without a walk.</summary>
    internal TranslationResult(TranslationOutcome outcome, int cycles, PageSize size, ulong frame)
    {
        _frame = frame << FrameShift;
        _cost = (uint)cycles | ((ulong)outcome << OutcomeShift) | ((ulong)size << SizeShift);
    }

    /// <summary>A walk.</summary>
    internal TranslationResult(
        TranslationOutcome outcome, int cycles, int references, int start, PageSize size, ulong frame, PageFlags bits)
    {
        _frame = (frame << FrameShift) | (ulong)bits;
        _cost = (uint)cycles | ((ulong)references << ReferencesShift) | ((ulong)start << StartShift)
            | ((ulong)outcome << OutcomeShift) | ((ulong)size << SizeShift);
    }

    /// <summary>Which array had the translation, or how the walk ended.</summary>
    public TranslationOutcome Outcome => (TranslationOutcome)(byte)(_cost >> OutcomeShift);

    /// <summary>Cycles on top of a first-level hit.</summary>
    public int Cycles => (int)_cost;

    /// <summary>Page-table entries that were read.</summary>
    public int References => (byte)(_cost >> ReferencesShift);

    /// <summary>Accessed and dirty bits that the walk, or a short handler behind it, set; the caller logs them.</summary>
    public PageFlags BitsSet => (PageFlags)(ushort)_frame;

    /// <summary>Size of the page.</summary>
    public PageSize Size => (PageSize)(byte)(_cost >> SizeShift);

    /// <summary>Number of the 4 KiB frame where the page's memory begins.</summary>
    public ulong Frame => _frame >> FrameShift;

    /// <summary>Paging-structure cache that shortened the walk: 0 PDE, 1 PDPTE, 2 PML4E; 3 or more for none.</summary>
    public int WalkStart => (byte)(_cost >> StartShift);
}
