using System.Text;

namespace VmSim.Core.Traces.Import.Perf;

/// <summary>Names of flags as perf trace prints them, with or without their prefix (tools/perf/trace/beauty).</summary>
internal sealed class PerfFlags(string prefix, params (string Name, ulong Value)[] values)
{
    /// <summary>Rights: PROT_.</summary>
    public static readonly PerfFlags Rights = new(
        "PROT_", ("NONE", 0), ("READ", 1), ("WRITE", 2), ("EXEC", 4), ("SEM", 8), ("GROWSDOWN", 0x100_0000), ("GROWSUP", 0x200_0000));

    /// <summary>Flags of mmap: MAP_.</summary>
    public static readonly PerfFlags Mapping = new(
        "MAP_", ("FILE", 0), ("SHARED", 1), ("PRIVATE", 2), ("SHARED_VALIDATE", 3), ("FIXED", 0x10), ("ANONYMOUS", 0x20), ("32BIT", 0x40),
        ("GROWSDOWN", 0x100), ("DENYWRITE", 0x800), ("EXECUTABLE", 0x1000), ("LOCKED", 0x2000), ("NORESERVE", 0x4000),
        ("POPULATE", 0x8000), ("NONBLOCK", 0x1_0000), ("STACK", 0x2_0000), ("HUGETLB", 0x4_0000), ("SYNC", 0x8_0000),
        ("FIXED_NOREPLACE", 0x10_0000), ("UNINITIALIZED", 0x400_0000));

    /// <summary>Advice: MADV_.</summary>
    public static readonly PerfFlags Advice = new(
        "MADV_", ("NORMAL", 0), ("RANDOM", 1), ("SEQUENTIAL", 2), ("WILLNEED", 3), ("DONTNEED", 4), ("FREE", 8), ("REMOVE", 9),
        ("DONTFORK", 10), ("DOFORK", 11), ("MERGEABLE", 12), ("UNMERGEABLE", 13), ("HUGEPAGE", 14), ("NOHUGEPAGE", 15),
        ("DONTDUMP", 16), ("DODUMP", 17), ("WIPEONFORK", 18), ("KEEPONFORK", 19), ("COLD", 20), ("PAGEOUT", 21), ("POPULATE_READ", 22),
        ("POPULATE_WRITE", 23), ("DONTNEED_LOCKED", 24), ("COLLAPSE", 25), ("HWPOISON", 100), ("SOFT_OFFLINE", 101),
        ("GUARD_INSTALL", 102), ("GUARD_REMOVE", 103));

    /// <summary>Flags of mremap: MREMAP_.</summary>
    public static readonly PerfFlags Remapping = new("MREMAP_", ("MAYMOVE", 1), ("FIXED", 2), ("DONTUNMAP", 4));

    /// <summary>Flags of clone: CLONE_, those that say whether a thread is made.</summary>
    public static readonly PerfFlags Clone = new(
        "CLONE_", ("VM", 0x100), ("FS", 0x200), ("FILES", 0x400), ("SIGHAND", 0x800), ("PIDFD", 0x1000), ("PTRACE", 0x2000),
        ("VFORK", 0x4000), ("PARENT", 0x8000), ("THREAD", 0x1_0000), ("NEWNS", 0x2_0000), ("SYSVSEM", 0x4_0000), ("SETTLS", 0x8_0000),
        ("PARENT_SETTID", 0x10_0000), ("CHILD_CLEARTID", 0x20_0000), ("DETACHED", 0x40_0000), ("UNTRACED", 0x80_0000),
        ("CHILD_SETTID", 0x100_0000), ("NEWCGROUP", 0x200_0000), ("NEWUTS", 0x400_0000), ("NEWIPC", 0x800_0000),
        ("NEWUSER", 0x1000_0000), ("NEWPID", 0x2000_0000), ("NEWNET", 0x4000_0000), ("IO", 0x8000_0000));

    /// <summary>An argument that is a number alone.</summary>
    public static readonly PerfFlags None = new("");

    private readonly Dictionary<string, ulong> _values =
        values.SelectMany(one => new[] { one, (Name: prefix + one.Name, one.Value) }).ToDictionary(one => one.Name, one => one.Value);

    /// <summary>What a name means.</summary>
    public bool TryFind(ReadOnlySpan<byte> name, out ulong value)
    {
        value = 0;
        return name.Length is > 0 and < 32 && _values.TryGetValue(Encoding.ASCII.GetString(name), out value);
    }
}
