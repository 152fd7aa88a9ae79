using System.Text;
using VmSim.Core.Addresses;

namespace VmSim.Core.Traces.Import.Perf;

/// <summary>A system call that is used: its number on x86-64 and the names that its arguments have in trace events.</summary>
/// <param name="Number">The number (arch/x86/entry/syscalls/syscall_64.tbl), whatever the machine: trace events name calls.</param>
/// <param name="Arguments">The arguments in their order, by the names of the kernel's SYSCALL_DEFINE.</param>
internal sealed record PerfCallForm(int Number, params (string Name, PerfFlags Flags)[] Arguments)
{
    private static readonly (string, PerfFlags) Start = ("start", PerfFlags.None);
    private static readonly (string, PerfFlags) Length = ("len", PerfFlags.None);
    private static readonly (string, PerfFlags) Flags = ("flags", PerfFlags.None);
    private static readonly (string, PerfFlags) Address = ("addr", PerfFlags.None);

    private static readonly PerfCallForm Map = new(
        9, Address, Length, ("prot", PerfFlags.Rights), ("flags", PerfFlags.Mapping), ("fd", PerfFlags.None), ("off", PerfFlags.None));

    private static readonly Dictionary<string, PerfCallForm> Forms = new(StringComparer.Ordinal)
    {
        ["mmap"] = Map,
        ["mmap2"] = Map,
        ["mmap_pgoff"] = Map,
        ["munmap"] = new(11, Address, Length),
        ["mprotect"] = new(10, Start, Length, ("prot", PerfFlags.Rights)),
        ["pkey_mprotect"] = new(329, Start, Length, ("prot", PerfFlags.Rights)),
        ["mremap"] = new(
            25, Address, ("old_len", PerfFlags.None), ("new_len", PerfFlags.None), ("flags", PerfFlags.Remapping),
            ("new_addr", PerfFlags.None)),
        ["brk"] = new(12, ("brk", PerfFlags.None)),
        ["madvise"] = new(28, Start, ("len_in", PerfFlags.None), ("behavior", PerfFlags.Advice)),
        ["mlock"] = new(149, Start, Length),
        ["mlock2"] = new(325, Start, Length, Flags),
        ["munlock"] = new(150, Start, Length),
        ["mlockall"] = new(151, Flags),
        ["munlockall"] = new(152),
        ["msync"] = new(26, Start, Length, Flags),
        ["mincore"] = new(27, Start, Length),
        ["mseal"] = new(462, Start, Length),
        ["remap_file_pages"] = new(216),
        ["process_madvise"] = new(440),
        ["process_mrelease"] = new(448),
        ["map_shadow_stack"] = new(453),
        ["shmget"] = new(29),
        ["shmat"] = new(30),
        ["shmctl"] = new(31),
        ["shmdt"] = new(67),
        ["mbind"] = new(237),
        ["set_mempolicy"] = new(238),
        ["migrate_pages"] = new(256),
        ["move_pages"] = new(279),
        ["userfaultfd"] = new(323),
        ["pkey_alloc"] = new(330),
        ["pkey_free"] = new(331),
        ["open"] = new(2),
        ["openat"] = new(257),
        ["close"] = new(3, ("fd", PerfFlags.None)),
        ["clone"] = new(56, ("clone_flags", PerfFlags.Clone)),
        ["clone3"] = new(435),
        ["fork"] = new(57),
        ["vfork"] = new(58),
        ["execve"] = new(59),
        ["execveat"] = new(322),
    };

    /// <summary>Calls that make threads and processes.</summary>
    public bool IsClone => Number is 56 or 57 or 58 or 435;

    /// <summary>Calls that execute a program.</summary>
    public bool IsExecute => Number is 59 or 322;

    /// <summary>The form of a call by its name, without sys_; null if it has none.</summary>
    public static PerfCallForm? Find(string name) => Forms.GetValueOrDefault(name);

    /// <summary>Reads the arguments.</summary>
    /// <param name="text">What the event says.</param>
    /// <param name="values">Takes them; at least six.</param>
    /// <returns>False if one of them is neither a number nor names of flags.</returns>
    public bool TryRead(ReadOnlySpan<byte> text, ulong[] values)
    {
        PerfFields fields = new PerfFields(text);
        Array.Clear(values);
        Span<byte> name = stackalloc byte[16];
        for (int i = 0; i < Arguments.Length; i++)
        {
            int length = Encoding.ASCII.GetBytes(Arguments[i].Name, name);
            if (!fields.TryValue(name[..length], Arguments[i].Flags, out values[i]))
            {
                return false;
            }
        }

        if (Number == 9)
        {
            values[5] |= OtherOffset(fields);
        }

        return true;
    }

    /// <summary>RISC-V's name for mmap's offset, and that of 32-bit machines, which count it in pages of 4 KiB.</summary>
    private static ulong OtherOffset(PerfFields fields) =>
        fields.TryNumber("offset"u8, out ulong bytes) ? bytes
        : fields.TryNumber("pgoff"u8, out ulong pages) ? pages << PageSizes.BaseShift
        : 0;
}
