namespace VmSim.Core.Traces;

/// <summary>
/// The kinds of areas that Linux places at random, each by itself (arch/x86/mm/mmap.c, fs/binfmt_elf.c, arch/x86/kernel/process.c).
/// </summary>
public enum LayoutClass
{
    /// <summary>Everything else: libraries, what mmap places, and the stack where the trace does not name it.</summary>
    Mappings,

    /// <summary>The program's own file.</summary>
    Executable,

    /// <summary>The heap: what brk made.</summary>
    Heap,

    /// <summary>The initial mapping named [stack].</summary>
    Stack,
}
