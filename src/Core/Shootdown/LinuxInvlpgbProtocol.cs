using System.Numerics;
using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Settings;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Shootdown;

/// <summary>
/// What Linux does since 6.15 on AMD processors from Zen 3 on (arch/x86/mm/tlb.c of 7.0): as <see cref="LinuxProtocol"/>, until a space
/// that is active on four cores is given a tag of the whole machine. From then on its shootdowns are broadcast by INVLPGB, no core is
/// interrupted but those that still use a tag of their own, and TLBSYNC waits. Reclaim broadcasts to everybody: all cores lose all that
/// they hold.
/// </summary>
public sealed partial class LinuxInvlpgbProtocol : IShootdownProtocol
{
    /// <summary>The most tags: PCIDs of 12 bits (MAX_ASID_AVAILABLE), less those that cores keep to themselves, less one.</summary>
    private const int TagsMax = 4094 - LinuxProtocol.Slots - 1;

    /// <summary>The most pairs of tags: one bit of the 12 says whose half it is (PTI_CONSUMED_PCID_BITS).</summary>
    private const int PairsMax = 2046 - LinuxProtocol.Slots - 1;

    /// <summary>The message by which hardware has a core drop what an INVLPGB names.</summary>
    private const int Broadcast = 0;

    /// <summary>The message by which an INVLPGB has a core drop all that it holds, for a space that it may know nothing of.</summary>
    private const int FlushAll = 1;

    /// <summary>A shootdown with this generation has its targets drop all that they hold, under any tag.</summary>
    private const long Everything = 0;

    /// <summary>Cycles of an INVLPGB on the core that executes it.</summary>
    [Setting("Each INVLPGB, on the core that executes it.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e6)]
    public long IssueCycles { get; init; } = 100;

    /// <summary>Cycles from the last INVLPGB until no core uses what it names.</summary>
    [Setting("From the last INVLPGB until no core uses what it names.", Unit = SettingUnit.Cycles, Min = 1, Max = 1e9)]
    public long BroadcastCycles { get; init; } = 600;

    /// <summary>Cycles until TLBSYNC knows it.</summary>
    [Setting("From then until the TLBSYNC of the core that has executed them is over.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e9)]
    public long SyncCycles { get; init; } = 600;

    /// <summary>Cycles that a broadcast takes a core that it comes to.</summary>
    [Setting("What a broadcast takes a core that it comes to.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e6)]
    public long StallCycles { get; init; }

    /// <summary>
    /// Pages that an INVLPGB can name: CPUID leaf 8000_0008, EDX bits 15 to 0, plus 1; Milan says 7 (invlpgb_count_max,
    /// arch/x86/kernel/cpu/amd.c; the value is from memory).
    /// </summary>
    [Setting("Pages that one INVLPGB names at most.", Unit = SettingUnit.Pages, Min = 1, Max = 65_536)]
    public int PagesEach { get; init; } = 8;

    /// <summary>Active cores from which on a space is given a tag: more than 3 (consider_global_asid).</summary>
    [Setting("Cores on which a space must be active to be given a tag of the machine.", Min = 1, Max = 65_536)]
    public int ActiveCores { get; init; } = 4;

    /// <summary>
    /// One in how many flushes asks whether the space should have a tag: (current->pid &amp; 0x1f) == (jiffies &amp; 0x1f)
    /// (consider_global_asid). Here a pid is the thread's number and a jiffy a tick of virtual time.
    /// </summary>
    [Setting("In one of how many ticks a thread's flushes ask whether the space should have a tag of the machine: a power of two.",
        Min = 1, Max = 1_048_576)]
    public int Sample
    {
        get;
        init => field = BitOperations.IsPow2(value) ? value : throw new ScenarioException("a power of two is needed");
    } = 32;

    /// <summary>Tags of the machine; with page-table isolation at most 2,039 pairs.</summary>
    [Setting("Tags of the machine, for spaces; with page-table isolation at most 2,039, which are pairs.", Min = 1, Max = TagsMax)]
    public int Tags { get; init; } = TagsMax;

    /// <inheritdoc/>
    public string Name => "linux-invlpgb";

    /// <inheritdoc/>
    public string Summary =>
        "as linux; a space on four cores gets a tag of the machine and hardware broadcasts (INVLPGB, arch/x86/mm/tlb.c since 6.15)";

    /// <inheritdoc/>
    public IReadOnlyList<string> Architectures => ["x86-64"];

    /// <inheritdoc/>
    public IReadOnlyList<ProtocolMessage> Messages(MachineSpec machine, KernelProfile kernel) =>
        [
            new("INVLPGB", MessageDirection.SpaceToCore, BroadcastCycles),
            new("INVLPGB of everything", MessageDirection.SpaceToCore, BroadcastCycles),
        ];

    /// <inheritdoc/>
    public MachineShootdown CreateMachineHalf(MachineSpec machine, KernelProfile kernel)
    {
        ArgumentNullException.ThrowIfNull(machine);
        ArgumentNullException.ThrowIfNull(kernel);
        return new MachineTags(machine.Cores, kernel.PageTableIsolation ? Math.Min(Tags, PairsMax) : Tags);
    }

    /// <inheritdoc/>
    public IsolationKind Isolation => IsolationKind.Tagged;

    /// <inheritdoc/>
    public SpaceShootdown CreateSpaceHalf(ISpaceShootdownContext context) => new SpaceHalf(this, context);

    /// <inheritdoc/>
    public CoreShootdown CreateCoreHalf(ICoreShootdownContext context) => new CoreHalf(context, StallCycles);

    /// <summary>
    /// What a shootdown of a space with a tag carries in place of a generation, which such a space does not need: the tag, negative.
    /// </summary>
    private static long GenerationOf(Asid tag) => -tag.Value;

    /// <summary>
    /// The tags of the machine (global_asid_used, global_asid_freed). They are given out by rising number, and a tag that was freed is
    /// given again only after a roll-over, for which every core drops everything.
    /// </summary>
    /// <param name="cores">Cores of the machine.</param>
    /// <param name="tags">How many tags there are.</param>
    private sealed class MachineTags(int cores, int tags) : MachineShootdown
    {
        private const int First = LinuxProtocol.Slots + 1;
        private readonly bool[] _used = new bool[tags];
        private readonly bool[] _freed = new bool[tags];
        private int _next;
        private int _available = tags;

        /// <summary>Cores that have loaded any space: nobody else's TLB holds anything.</summary>
        public CoreMask Cores { get; } = new(cores);

        /// <summary>Takes a tag.</summary>
        /// <param name="tag">The tag.</param>
        /// <param name="rollsOver">Whether every core must drop everything before the tag is used.</param>
        /// <returns>False if all are in use.</returns>
        public bool TryTake(out Asid tag, out bool rollsOver)
        {
            tag = default;
            rollsOver = false;
            if (_available == 0)
            {
                return false;
            }

            int index = Array.IndexOf(_used, false, _next);
            if (index < 0)
            {
                rollsOver = true;
                for (int i = 0; i < _used.Length; i++)
                {
                    _used[i] &= !_freed[i];
                    _freed[i] = false;
                }

                index = Array.IndexOf(_used, false);
            }

            _used[index] = true;
            _next = index + 1;
            _available--;
            tag = new Asid((ushort)(First + index));
            return true;
        }

        /// <summary>The space that had a tag is gone.</summary>
        public void Free(Asid tag)
        {
            _freed[tag.Value - First] = true;
            _available++;
        }
    }
}
