using System.Globalization;
using VmSim.Actors.Configuration;
using VmSim.Core.Machine;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Mmu;
using VmSim.Core.Paging;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Core.Shootdown;
using VmSim.Core.Workloads;
using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Actors.Fuzzing;

/// <summary>
/// A scenario drawn at random, as the lines of its file: settings, each of which can be left out, and processes. In the manner of swarm
/// testing (Groce and others, Swarm Testing, ISSTA 2012) each seed leaves whole features at their defaults.
/// </summary>
/// <param name="Settings">One setting a line.</param>
/// <param name="Processes">The processes, each the lines of a block.</param>
/// <param name="Split">Whether it is run split over two shards, and from a checkpoint, as well.</param>
public sealed record FuzzScenario(IReadOnlyList<string> Settings, IReadOnlyList<IReadOnlyList<string>> Processes, bool Split)
{
    private static readonly int[] SocketCounts = [1, 1, 2, 3, 4];
    private static readonly string[] Machines = ["server-2s", "laptop", "zen4", "sapphire-rapids", "oracle"];

    /// <summary>Bits of the addresses that programs use.</summary>
    private const int ProgramBits = 47;

    /// <summary>
    /// What is drawn instead of a default comes from the registries, so that a new one is searched from the day on which it is there.
    /// </summary>
    private static readonly string[] Backends =
        [.. MemoryBackends.All.Where(kind => !kind.NeedsObject && kind.Name != new MemorySpec().Anonymous).Select(kind => kind.Name)];

    /// <summary>Formats that programs' addresses fit into.</summary>
    private static readonly string[] Formats =
        [.. PageTableFormats.All.Where(format => format.RangeBits >= ProgramBits && format.Name != new MachineSpec().PageTable)
            .Select(format => format.Name)];

    /// <summary>Policies for any number of ways.</summary>
    private static readonly string[] Policies =
        [.. ReplacementPolicies.All.Names.Where(name => name != ReplacementPolicies.TreePlru && name != new TlbSpec().Policy)];

    /// <summary>Draws the scenario of a seed.</summary>
    public static FuzzScenario Draw(ulong seed)
    {
        Dice dice = new(seed);
        int sockets = dice.OneOf(SocketCounts);
        List<string> settings =
        [
            $"name = fuzz-{seed}",
            $"seed = {seed & 0xFFFF}",
            "until = 3ms",
            $"machine-profile = {dice.OneOf(Machines)}",
            $"machine.sockets = {sockets}",
            $"machine.cores = {sockets * dice.Between(1, 12 / sockets)}",
        ];
        string protocol = dice.OneOf(ShootdownProtocols.All.Names);
        settings.Add($"shootdown.protocol = {protocol}");
        settings.Add("shootdown.hypothetical = on");
        dice.Maybe(settings, () => "kernel.traps = park");
        dice.Maybe(settings, () => $"kernel.time-slice-cycles = {dice.Between(3_000, 300_000)}");
        dice.Maybe(settings, () => $"kernel.tick-cycles = {dice.Between(2_000, 600_000)}");
        dice.Maybe(settings, () => $"kernel.flush-ceiling-pages = {dice.Between(0, 40)}");
        dice.Maybe(settings, () => $"kernel.trap-return-cycles = {dice.Between(1, 3_000)}");
        dice.Maybe(settings, () => $"kernel.service-cycles = {dice.Between(1, 3_000)}");
        dice.Maybe(settings, () => $"kernel.ack-cycles = {dice.Between(1, 3_000)}");
        dice.Maybe(settings, () => $"kernel.handler-cycles = {dice.Between(0, 5_000)}");
        dice.Maybe(settings, () => "kernel.per-vma-locks = off");
        dice.Maybe(settings, () => $"kernel.free-page-batch = {dice.Between(1, 40)}");
        dice.Maybe(settings, () => $"kernel.wake-cycles = {dice.Between(0, 5_000)}");
        dice.Maybe(settings, () => $"kernel.device-read-cycles = {dice.Between(0, 200_000)}");
        dice.Maybe(settings, () => $"kernel.ipi-send-cycles = {dice.Between(0, 2_000)}");
        dice.Maybe(settings, () => $"memory.bytes = {dice.Between(1, 64)} MiB");
        dice.Maybe(settings, () => "memory.kernel-accesses = off");
        dice.Maybe(settings, () => $"kernel.lru-batch = {dice.Between(1, 40)}");
        dice.Maybe(settings, () => $"machine.line-transfer-cycles = {dice.Between(1, 3_000)}");
        dice.Maybe(settings, () => $"machine.ipi-cycles = {dice.Between(1, 4_000)}");
        dice.Maybe(settings, () => "memory.shared = on");
        dice.Maybe(settings, () => "memory.zero-page = off");
        dice.Maybe(settings, () => "memory.warm-page-cache = off");
        dice.Maybe(settings, () => $"memory.fault-around = {4096 << dice.Between(0, 5)}");
        dice.Often(settings, () => $"memory.transparent-huge-pages = {dice.OneOf(["always", "madvise"])}");
        dice.Maybe(settings, () => $"memory.anonymous = {dice.OneOf(Backends)}");
        dice.Maybe(settings, () => PolicyOf("machine.mmu.second", dice.OneOf(Policies)));
        dice.Maybe(settings, () => $"threads.placement = {dice.OneOf(["spread", "single"])}");
        dice.Maybe(settings, () => $"warmup = {dice.Between(1, 400)}us");
        dice.Maybe(settings, () => $"machine.page-table = {dice.OneOf(Formats)}");
        List<List<string>> processes = [];
        for (int i = dice.Between(1, 3); i > 0; i--)
        {
            processes.Add(DrawProcess(dice));
        }

        bool isSplit = dice.Between(0, 3) == 0;
        dice.Maybe(settings, () => $"memory.folio = {4096 << dice.Between(0, 8)}");
        dice.Maybe(settings, () => $"memory.overcommit = {dice.OneOf(["always", "never"])}");
        DrawKernel(settings, dice);
        DrawProtocol(settings, protocol, dice);
        DrawGuests(settings, dice);
        DrawValues(settings, protocol, dice);
        dice.Maybe(settings, () => $"machine.mmu.accessed-dirty = {dice.OneOf(AccessedDirtySetters.Choices.Split('|'))}");
        dice.Maybe(settings, () => ReachOf(dice.OneOf(TlbReaches.Choices.Split('|')), dice.Between(0, 1) == 0));
        dice.Maybe(settings, () => $"machine.ipi-cluster = {dice.Between(2, 20)}");
        dice.Maybe(settings, () => "kernel.ipi-clusters = off");
        dice.Maybe(settings, () => $"kernel.call-lines = {dice.Between(1, 4)}");
        dice.Maybe(settings, () => "kernel.lru-drain = on");
        processes.ForEach(process => dice.Maybe(process, () => $"virtual = {dice.OneOf(["on", "off"])}"));
        DrawIsolation(settings, protocol, dice);
        return new FuzzScenario(settings, processes, isSplit);
    }

    /// <summary>The scenario's file.</summary>
    public string Text()
    {
        using StringWriter text = new(CultureInfo.InvariantCulture) { NewLine = "\n" };
        foreach (string setting in Settings)
        {
            text.WriteLine(setting);
        }

        text.WriteLine("processes = [");
        text.WriteLine(string.Join(",\n", Processes.Select(process => "  {\n    " + string.Join("\n    ", process) + "\n  }")));
        text.WriteLine("]");
        return text.ToString();
    }

    /// <summary>The scenario.</summary>
    /// <exception cref="ScenarioException">The settings do not go together.</exception>
    public ScenarioSpec Load() => ScenarioLoader.Parse(Text(), "fuzz", Directory.GetCurrentDirectory(), []);

    /// <summary>
    /// Rules and costs by which kernels differ. On a slow clock seconds pass, after which cores leave a space's list.
    /// </summary>
    private static void DrawKernel(List<string> settings, Dice dice)
    {
        dice.Maybe(settings, () => $"kernel.version = {dice.OneOf(KernelRelease.All)}");
        dice.Maybe(settings, () => "machine.ghz = 0.001 GHz\nuntil = 6900ms");
        dice.Maybe(settings, () => "kernel.paravirtual-flush = on");
        dice.Maybe(settings, () => $"kernel.map-lock-handover-cycles = {dice.Between(1, 20_000)}");
        dice.Maybe(settings, () => $"kernel.ipi-send-remote-cycles = {dice.Between(0, 4_000)}");
        dice.Maybe(settings, () => $"kernel.handler-in-call-cycles = {dice.Between(1, 6_000)}");
        dice.Maybe(settings, () => $"kernel.accessed-dirty-cycles = {dice.Between(1, 900)}");
        dice.Maybe(settings, () => $"kernel.invalidate-range-cycles = {dice.Between(1, 2_000)}");
        dice.Maybe(settings, () => $"kernel.cold-page-cycles = {dice.Between(1, 2_000)}");
        dice.Maybe(settings, () => "kernel.reader-spinning = on");
        dice.Maybe(settings, () => $"kernel.fault-after-range-cycles = {dice.Between(1, 2_000)}");
        dice.Maybe(settings, () => "kernel.lru-lock-cycles = 0\nkernel.zone-lock-cycles = 0\nkernel.page-table-lock-cycles = 0");
    }

    /// <summary>Virtual machines, with hosts of much or little memory.</summary>
    private static void DrawGuests(List<string> settings, Dice dice) => dice.Maybe(settings, () =>
    {
        string guest = "machine.virtual = on";
        string interrupts = dice.OneOf(GuestInterrupts.Choices.Split('|'));
        string page = dice.OneOf(["4K", "4K", "2M"]);
        guest += $"\nmachine.guest.interrupts = {interrupts}\nmachine.guest.host-page = {page}";
        return dice.Between(0, 1) == 0 ? guest : $"{guest}\nmachine.guest.host-memory = {(page == "4K" ? 1 : 512)} MiB";
    });

    /// <summary>What entries map, of the second level alone or of all arrays.</summary>
    private static string ReachOf(string reach, bool firstToo)
    {
        string second = $"machine.mmu.second.reach = {reach}\nmachine.mmu.second-instruction.reach = {reach}";
        return firstToo ? $"{second}\nmachine.mmu.data4k.reach = {reach}\nmachine.mmu.instruction4k.reach = {reach}" : second;
    }

    /// <summary>A policy. Ways for large pages alone, as machines have them, go with those that keep an order.</summary>
    private static string PolicyOf(string array, string policy)
    {
        int ways = new TlbSpec().LargeWays;
        return $"{array}.policy = {policy}\n{array}.large-ways = {ways}\n{array}.huge-ways = {ways}";
    }

    /// <summary>Settings that make common what is rare: tags of the machine for few cores, few tags, small thresholds.</summary>
    private static void DrawProtocol(List<string> settings, string protocol, Dice dice)
    {
        const string Own = "shootdown.protocol-settings";
        switch (protocol)
        {
            case "linux-invlpgb":
                dice.Often(settings, () => $"{Own}.sample = 1");
                dice.Often(settings, () => $"{Own}.active-cores = {dice.Between(1, 3)}");
                dice.Often(settings, () => $"{Own}.tags = {dice.Between(1, 3)}");
                dice.Maybe(settings, () => $"{Own}.broadcast-cycles = {dice.Between(1, 3_000)}");
                dice.Maybe(settings, () => $"{Own}.sync-cycles = {dice.Between(0, 3_000)}");
                dice.Maybe(settings, () => $"{Own}.stall-cycles = {dice.Between(0, 500)}");
                break;
            case "arm-tlbi":
                dice.Often(settings, () => $"{Own}.local = on");
                dice.Often(settings, () => $"{Own}.asids = {dice.Between(13, 15)}");
                dice.Maybe(settings, () => $"{Own}.range-operations = off");
                dice.Maybe(settings, () => $"{Own}.repeat = on");
                dice.Maybe(settings, () => $"{Own}.fabric-cycles = {dice.Between(0, 3_000)}");
                dice.Maybe(settings, () => $"{Own}.broadcast-cycles = {dice.Between(1, 3_000)}");
                break;
            case "early-ack":
                dice.Maybe(settings, () => $"{Own}.concurrent = off");
                dice.Maybe(settings, () => $"{Own}.at-entry = off");
                dice.Maybe(settings, () => $"{Own}.consolidated = off");
                dice.Maybe(settings, () => $"{Own}.copy-by-access = off");
                break;
            case "abis":
                dice.Maybe(settings, () => $"{Own}.fill-cycles = {dice.Between(0, 3_000)}");
                dice.Maybe(settings, () => $"{Own}.epochs = off");
                break;
            case "riscv-sbi":
                dice.Often(settings, () => $"{Own}.asids = {dice.Between(1, 30)}");
                dice.Often(settings, () => $"{Own}.deferred = on");
                dice.Maybe(settings, () => $"{Own}.firmware = off");
                dice.Maybe(settings, () => $"{Own}.svinval = on");
                dice.Maybe(settings, () => $"{Own}.firmware-pages = {dice.Between(0, 64)}");
                dice.Maybe(settings, () => $"{Own}.threshold = {dice.Between(1, 64)}");
                dice.Maybe(settings, () => $"{Own}.ecall-cycles = {dice.Between(0, 3_000)}");
                break;
            case "radixvm":
                dice.Maybe(settings, () => $"{Own}.scheme = {dice.OneOf(["core-tracking", "batched"])}");
                dice.Often(settings, () => $"{Own}.tags = on");
                dice.Often(settings, () => $"kernel.map-lock = {MapLocks.Ranges}");
                dice.Maybe(settings, () => $"{Own}.fill-cycles = {dice.Between(0, 3_000)}");
                dice.Maybe(settings, () => $"{Own}.clear-cycles = {dice.Between(0, 500)}");
                break;
            default:
                break;
        }
    }

    /// <summary>Page-table isolation, where the protocol knows pairs of tags.</summary>
    private static void DrawIsolation(List<string> settings, string protocol, Dice dice)
    {
        if (ShootdownProtocols.All.Find(protocol)!.Isolation != IsolationKind.None)
        {
            dice.Often(settings, () => "kernel.page-table-isolation = on");
            dice.Often(settings, () => "kernel.invpcid = off");
            dice.Maybe(settings, () => $"kernel.table-switch-cycles = {dice.Between(0, 2_000)}");
            dice.Maybe(settings, () => $"kernel.invpcid-extra-cycles = {dice.Between(0, 1_000)}");
        }

        if (protocol == "early-ack")
        {
            dice.Maybe(settings, () => "shootdown.protocol-settings.in-context = off");
        }
    }

    /// <summary>
    /// Whether what pages hold is compared, too. A protocol that is lazy by design breaks that rule where a page is touched anew while
    /// another core still has the old one.
    /// </summary>
    private static void DrawValues(List<string> settings, string protocol, Dice dice)
    {
        if (ShootdownProtocols.All.Find(protocol)!.AllowedStaleness(new MachineSpec(), new KernelProfile()).Value == 0)
        {
            dice.Often(settings, () => "check = values");
        }
    }

    private static List<string> DrawProcess(Dice dice)
    {
        if (dice.Between(0, 1) == 0)
        {
            return DrawRandomProgram(dice);
        }

        ProgramKind kind = dice.OneOf(ProgramKinds.All);
        HashSet<string> keys = [.. SettingMember.Of(kind.SettingsType).Select(member => member.Key)];
        List<string> lines = [$"program = {kind.Name}"];
        Add("threads", dice.Between(kind.CreateDefaults().Threads > 1 ? 2 : 1, 5));
        Add("iterations", dice.Between(1, 12));
        Add("pages", dice.Between(1, 70));
        Add("accesses", dice.Between(100, 20_000));
        Add("run-length", dice.Between(1, 16));
        dice.Maybe(lines, () => $"count = {dice.Between(1, 3)}");
        return lines;

        void Add(string key, int value)
        {
            if (keys.Contains(key))
            {
                lines.Add(string.Create(CultureInfo.InvariantCulture, $"{key} = {value}"));
            }
        }
    }

    /// <summary>
    /// A program of random steps, from which half of the kinds of steps are left out. Many steps between two ticks fill the rings of latr.
    /// </summary>
    private static List<string> DrawRandomProgram(Dice dice)
    {
        List<string> kinds = [.. Enum.GetNames<RandomStep>().Select(name => name.ToLowerInvariant()).Where(_ => dice.Between(0, 1) == 0)];
        List<string> lines =
        [
            "program = random",
            $"operations = \"{string.Join(' ', ["store", .. kinds])}\"",
            $"threads = {dice.Between(1, 6)}",
            $"iterations = {dice.Between(1, dice.Between(0, 3) == 0 ? 600 : 80)}",
            $"pages = {dice.Between(1, 60)}",
        ];
        dice.Maybe(lines, () => $"count = {dice.Between(1, 3)}");
        return lines;
    }

    /// <summary>Draws from a seed.</summary>
    private sealed class Dice(ulong seed)
    {
        private ulong _state = seed;

        /// <summary>A number from low to high, both included.</summary>
        public int Between(int low, int high) => low + (int)(Next() % (ulong)(high - low + 1));

        public T OneOf<T>(IReadOnlyList<T> items) => items[Between(0, items.Count - 1)];

        /// <summary>Adds a feature one time in two.</summary>
        public void Often(List<string> lines, Func<string> line)
        {
            if (Between(0, 1) == 0)
            {
                lines.Add(line());
            }
        }

        /// <summary>Adds a feature one time in four.</summary>
        public void Maybe(List<string> lines, Func<string> line)
        {
            if (Between(0, 3) == 0)
            {
                lines.Add(line());
            }
        }

        /// <summary>splitmix64 (Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, OOPSLA 2014).</summary>
        private ulong Next()
        {
            ulong z = _state += 0x9E3779B97F4A7C15;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return z ^ (z >> 31);
        }
    }
}
