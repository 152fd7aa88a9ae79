using VmSim.Core.Paging;
using VmSim.Core.Settings;

namespace VmSim.Core.Mmu;

/// <summary>A rule for which entry of a full set makes room.</summary>
/// <param name="Name">The name.</param>
/// <param name="Summary">One sentence that says which entry it is.</param>
public sealed record ReplacementPolicy(string Name, string Summary) : INamed;

/// <summary>Which entry of a full set makes room.</summary>
public static class ReplacementPolicies
{
    /// <summary>Least recently used, exact.</summary>
    public const string Lru = "lru";

    /// <summary>Tree-shaped pseudo-LRU; ways are a power of two.</summary>
    public const string TreePlru = "plru";

    /// <summary>First in, first out.</summary>
    public const string Fifo = "fifo";

    /// <summary>Drawn at random from the run's seed.</summary>
    public const string Random = "random";

    /// <summary>Every policy, in the order in which lists show them.</summary>
    public static Registry<ReplacementPolicy> All { get; } = new("replacement policy",
    [
        new(Lru, "the entry that was used longest ago, exactly"),
        new(TreePlru, "the entry that a tree of bits points to (pseudo-LRU); ways are a power of two, at most 64"),
        new(Fifo, "the entry that came first"),
        new(Random, "an entry drawn from the run's seed"),
    ]);
}

/// <summary>What a reference of a page walk costs.</summary>
public static class WalkCosts
{
    /// <summary>Every reference the same.</summary>
    public const string Fixed = "fixed";

    /// <summary>By whether a small cache of entry lines has the reference's line.</summary>
    public const string CacheLines = "cache-lines";

    /// <summary>All names, as a setting's choices.</summary>
    public const string Choices = "fixed|cache-lines";
}

/// <summary>Who sets the accessed and dirty bits of page-table entries.</summary>
public static class AccessedDirtySetters
{
    /// <summary>Whoever does on most machines of the page-table format (<see cref="PageTableFormat.FaultSets"/>).</summary>
    public const string Format = "format";

    /// <summary>The walker: x86; Arm with FEAT_HAFDBS; RISC-V with Svadu.</summary>
    public const string Hardware = "hardware";

    /// <summary>The walker sets accessed alone; a store to a clean page faults (Arm whose ID_AA64MMFR1_EL1.HAFDBS is 1).</summary>
    public const string Accessed = "accessed";

    /// <summary>
    /// The kernel: a walk that finds accessed clear, or for a store dirty, is a page fault (RISC-V with Svade; Arm without FEAT_HAFDBS).
    /// </summary>
    public const string Fault = "fault";

    /// <summary>
    /// A short handler of an exception of its own, which is no page fault: LoongArch without a hardware walker (handle_tlb_load,
    /// handle_tlb_store and handle_tlb_modify, arch/loongarch/mm/tlbex.S).
    /// </summary>
    public const string Handler = "handler";

    /// <summary>All names, as a setting's choices.</summary>
    public const string Choices = "format|hardware|accessed|fault|handler";
}

/// <summary>Which set of an array a page stands in.</summary>
public static class TlbIndexes
{
    /// <summary>The page's number modulo sets.</summary>
    public const string Modulo = "modulo";

    /// <summary>
    /// The lowest bits of the page's number, exclusive-or as many bits above them: with 128 sets bits 0-6 and 7-13, as Gras et al. found in
    /// second levels since Broadwell (Translation Leak-aside Buffer, USENIX Security 2018, table 2). Sets are a power of two.
    /// </summary>
    public const string Xor = "xor";

    /// <summary>All names, as a setting's choices.</summary>
    public const string Choices = "modulo|xor";
}

/// <summary>What an entry of 4 KiB pages maps.</summary>
public static class TlbReaches
{
    /// <summary>One page.</summary>
    public const string Page = "page";

    /// <summary>
    /// An even page and the odd one above it, each with a frame and flags of its own, and whether or not it is there: LoongArch Reference
    /// Manual, volume 1 (v1.00), section 5.4.2.
    /// </summary>
    public const string Pair = "pair";

    /// <summary>
    /// An aligned run of 4 pages if all are there with adjacent frames, the first of them aligned alike, and equal flags; else one page:
    /// Arm's hardware page aggregation.
    /// </summary>
    public const string Run4 = "run-4";

    /// <summary>The same of 8 pages: those of one line of page-table entries.</summary>
    public const string Run8 = "run-8";

    /// <summary>All names, as a setting's choices.</summary>
    public const string Choices = "page|pair|run-4|run-8";

    /// <summary>Pages of a group, as a power of two; 0 for none.</summary>
    internal static int ShiftOf(string reach) => reach switch
    {
        Pair => 1,
        Run4 => 2,
        Run8 => 3,
        _ => 0,
    };
}

/// <summary>Size of one TLB array.</summary>
public sealed record TlbSpec
{
    /// <summary>Greatest number of ways; as a limit of what larger pages take, none.</summary>
    public const int WaysMax = 4_096;

    /// <summary>Entries; 0 leaves the array out.</summary>
    [Setting("Entries; 0 leaves the array out.", Min = 0, Max = 65_536)]
    public int Entries { get; init; }

    /// <summary>Ways; entries are a multiple of them. The sets need not be a power of two.</summary>
    [Setting("Ways of a set; entries are a multiple of them.", Min = 1, Max = WaysMax)]
    public int Ways { get; init; } = 1;

    /// <summary>
    /// Ways of a set that pages of 2 MiB take at most; 0 keeps them out. Fewer than all describes two arrays of one size and index of which
    /// one holds 4 KiB pages alone, or a skewed array.
    /// </summary>
    [Setting("Ways of a set that 2 MiB pages take at most; 0 keeps them out.", Min = 0, Max = WaysMax)]
    public int LargeWays { get; init; } = WaysMax;

    /// <summary>As <see cref="LargeWays"/>, of pages of 1 GiB and more.</summary>
    [Setting("Ways of a set that pages of 1 GiB and more take at most; 0 keeps them out.", Min = 0, Max = WaysMax)]
    public int HugeWays { get; init; } = WaysMax;

    /// <summary>Which set a page stands in.</summary>
    [Setting("How the set of a page follows from its number: modulo sets, or the lowest bits exclusive-or those above them.",
        Choices = TlbIndexes.Choices)]
    public string Index { get; init; } = TlbIndexes.Modulo;

    /// <summary>What an entry of 4 KiB pages maps: a name of <see cref="TlbReaches"/>. Arrays of larger pages do not heed it.</summary>
    [Setting("What an entry of 4 KiB pages maps: one page; an even and an odd page, each as it is (pair); or an aligned run of 4 or 8 "
        + "pages with adjacent, aligned frames and equal flags, else one page (run-4, run-8).",
        Choices = TlbReaches.Choices)]
    public string Reach { get; init; } = TlbReaches.Page;

    /// <summary>Which way of a full set a fill replaces, by name.</summary>
    [Setting("Replacement policy.", ChoicesOf = typeof(ReplacementPolicies))]
    public string Policy { get; init; } = ReplacementPolicies.Lru;

    /// <summary>Whether larger pages take fewer ways than there are.</summary>
    public bool LimitsWays => LargeWays < Ways || HugeWays < Ways;

    /// <summary>What is wrong with the geometry, as a sentence that says what was found and what is allowed; null if nothing is.</summary>
    public string? Fault => Entries < 0 || Ways < 1 || Entries % Ways != 0
        ? $"{Entries} entries in {Ways} ways found; entries must be a multiple of ways"
        : Policy == ReplacementPolicies.TreePlru && (!int.IsPow2(Ways) || Ways > 64)
        ? $"{Ways} ways found; tree-PLRU needs a power of two, at most 64"
        : Index == TlbIndexes.Xor && Entries > 0 && !int.IsPow2(Entries / Ways)
        ? $"{Entries / Ways} sets found; index = xor needs a power of two"
        : LimitsWays && (Policy is not (ReplacementPolicies.Lru or ReplacementPolicies.Fifo) || Ways > WayOrder.WaysMax)
        ? $"large-ways or huge-ways below {Ways} ways of policy {Policy} found; they need lru or fifo, and at most {WayOrder.WaysMax} ways"
        : null;
}

/// <summary>One core's MMU: TLBs, paging-structure caches, and what misses cost.</summary>
public sealed record MmuSpec
{
    /// <summary>
    /// Whether each first level is one array for pages of all sizes, <see cref="Instruction4K"/> and <see cref="Data4K"/>. Those for larger
    /// pages are left out then.
    /// </summary>
    [Setting("Whether first levels keep pages of all sizes in instruction4k and data4k, and have no arrays for larger ones.")]
    public bool JoinedFirst { get; init; }

    /// <summary>First-level instruction TLB, 4 KiB pages.</summary>
    public TlbSpec Instruction4K { get; init; } = new() { Entries = 128, Ways = 8 };

    /// <summary>First-level instruction TLB, larger pages.</summary>
    public TlbSpec InstructionLarge { get; init; } = new() { Entries = 8, Ways = 8 };

    /// <summary>First-level data TLB, 4 KiB pages.</summary>
    public TlbSpec Data4K { get; init; } = new() { Entries = 64, Ways = 4 };

    /// <summary>First-level data TLB, larger pages.</summary>
    public TlbSpec DataLarge { get; init; } = new() { Entries = 32, Ways = 4 };

    /// <summary>
    /// First-level instruction TLB, pages of 1 GiB and more; without entries they stand in <see cref="InstructionLarge"/>.
    /// </summary>
    public TlbSpec InstructionHuge { get; init; } = new();

    /// <summary>First-level data TLB, pages of 1 GiB and more; without entries they stand in <see cref="DataLarge"/>.</summary>
    public TlbSpec DataHuge { get; init; } = new();

    /// <summary>The second-level array, for what has none of its own below.</summary>
    public TlbSpec Second { get; init; } = new() { Entries = 1536, Ways = 12 };

    /// <summary>Second level of 2 MiB pages and larger; without entries they stand in <see cref="Second"/>.</summary>
    public TlbSpec SecondLarge { get; init; } = new();

    /// <summary>Second level of pages of 1 GiB and more; without entries they stand where 2 MiB pages do.</summary>
    public TlbSpec SecondHuge { get; init; } = new();

    /// <summary>Second level of fetches, pages of all sizes; without entries fetches share that of loads and stores.</summary>
    public TlbSpec SecondInstruction { get; init; } = new();

    /// <summary>Entries of the cache of level-1 table pointers (PDE cache).</summary>
    [Setting("Entries of the paging-structure cache of PDEs (key: address bits from 21).", Min = 0, Max = 1024)]
    public int PdeEntries { get; init; } = 32;

    /// <summary>Entries of the cache of level-2 table pointers (PDPTE cache).</summary>
    [Setting("Entries of the paging-structure cache of PDPTEs (key: address bits from 30).", Min = 0, Max = 1024)]
    public int PdpteEntries { get; init; } = 4;

    /// <summary>Entries of the cache of level-3 table pointers (PML4E cache).</summary>
    [Setting("Entries of the paging-structure cache of PML4Es (key: address bits from 39).", Min = 0, Max = 1024)]
    public int Pml4eEntries { get; init; } = 4;

    /// <summary>Cycles of a second-level look-up, on top of a first-level hit.</summary>
    [Setting("Second-level look-up, on top of a first-level hit.", Unit = SettingUnit.Cycles, Min = 0, Max = 1_000_000)]
    public int SecondCycles { get; init; } = 7;

    /// <summary>Cycles of the paging-structure caches' look-up at a walk.</summary>
    [Setting("Look-up of the paging-structure caches at a walk.", Unit = SettingUnit.Cycles, Min = 0, Max = 1_000_000)]
    public int PscCycles { get; init; } = 1;

    /// <summary>Cycles of one page-table reference.</summary>
    [Setting("One memory reference of a page walk.", Unit = SettingUnit.Cycles, Min = 0, Max = 1_000_000)]
    public int ReferenceCycles { get; init; } = 30;

    /// <summary>How references of a walk are charged.</summary>
    [Setting("What a reference of a page walk costs: always the same, or by whether a cache of page-table lines has it.",
        Choices = WalkCosts.Choices)]
    public string WalkCost { get; init; } = WalkCosts.Fixed;

    /// <summary>
    /// The lines of page-table entries that the core's data caches hold, under <see cref="WalkCosts.CacheLines"/>. An entry is a line of 64
    /// bytes, 8 page-table entries. The default is calibrated: 512 lines, 32 KiB.
    /// </summary>
    public TlbSpec WalkLines { get; init; } = new() { Entries = 512, Ways = 8 };

    /// <summary>Cycles of a reference whose line is cached, under <see cref="WalkCosts.CacheLines"/>. The default is calibrated.</summary>
    [Setting("One memory reference of a page walk whose line is cached (walk-cost = cache-lines).", Unit = SettingUnit.Cycles, Min = 0,
        Max = 1_000_000)]
    public int LineHitCycles { get; init; } = 14;

    /// <summary>Cycles of a reference that goes to memory, under <see cref="WalkCosts.CacheLines"/>. The default is calibrated.</summary>
    [Setting("One memory reference of a page walk that goes to memory (walk-cost = cache-lines).", Unit = SettingUnit.Cycles, Min = 0,
        Max = 1_000_000)]
    public int LineMissCycles { get; init; } = 200;

    /// <summary>
    /// Entries of the nested TLB, fully associative, exact LRU. It translates guest-physical pages of guest page tables and data, and is
    /// used only by walks of a virtual machine's address. Bhargava et al., Accelerating Two-Dimensional Page Walks for Virtualized Systems,
    /// ASPLOS 2008, have 16.
    /// </summary>
    [Setting("Entries of the cache of nested translations (guest-physical to host-physical pages) of a virtual machine's walks.", Min = 0,
        Max = 1024)]
    public int NestedEntries { get; init; } = 16;

    /// <summary>Who sets accessed and dirty bits: a name of <see cref="AccessedDirtySetters"/>.</summary>
    [Setting("Who sets accessed and dirty bits: the walker (hardware); the walker accessed, and the kernel dirty at a store's fault "
        + "(accessed); the kernel at a page fault (fault); a short handler (handler); or as most machines of the format (format).",
        Choices = AccessedDirtySetters.Choices)]
    public string AccessedDirty { get; init; } = AccessedDirtySetters.Format;

    /// <summary>
    /// Cycles from the exception of a clear bit to the access's next try, under <see cref="AccessedDirtySetters.Handler"/>. The default is
    /// calibrated: entering and leaving a handler, 40 cycles, and one page-table entry that is read and stored, 10.
    /// </summary>
    [Setting("A short handler that sets accessed or dirty bits (accessed-dirty = handler), its exception included.",
        Unit = SettingUnit.Cycles, Min = 0, Max = 1_000_000)]
    public int AccessedDirtyHandlerCycles { get; init; } = 50;

    /// <summary>
    /// What is wrong between the reaches of the arrays that hold 4 KiB pages, as a sentence that says what was found and what is allowed;
    /// null if nothing is.
    /// </summary>
    public string? ReachFault
    {
        get
        {
            TlbSpec[] first = [.. new[] { Instruction4K, Data4K }.Where(array => array.Entries > 0)];
            TlbSpec[] second = [.. new[] { Second, SecondInstruction }.Where(array => array.Entries > 0)];
            string[] reaches = [.. first.Concat(second).Select(array => array.Reach).Where(reach => reach != TlbReaches.Page).Distinct()];
            return reaches.Length > 1
                ? $"reach = {reaches[0]} and reach = {reaches[1]} found; arrays of one core that map more than a page map the same"
                : first.Any(array => array.Reach == TlbReaches.Pair) && second.Any(array => array.Reach != TlbReaches.Pair)
                ? "a first level with reach = pair and a second level without found; the second level needs reach = pair too"
                : null;
        }
    }

    /// <summary>Accessed, dirty or both: what the kernel sets in entries of a format at a page fault.</summary>
    internal PageFlags FaultSets(PageTableFormat format) => AccessedDirty switch
    {
        AccessedDirtySetters.Hardware or AccessedDirtySetters.Handler => PageFlags.None,
        AccessedDirtySetters.Accessed => PageFlags.Dirty,
        AccessedDirtySetters.Fault => PageFlags.Accessed | PageFlags.Dirty,
        _ => format.FaultSets,
    };

    /// <summary>Whether a short handler sets accessed and dirty bits in entries of a format.</summary>
    internal bool HandlerSets(PageTableFormat format) =>
        AccessedDirty == AccessedDirtySetters.Handler || (AccessedDirty == AccessedDirtySetters.Format && format.HandlerSets);
}
