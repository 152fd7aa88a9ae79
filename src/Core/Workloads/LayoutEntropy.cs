using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Workloads;

/// <summary>
/// How far Linux moves what it places at random in an address space (address space layout randomization), by architecture. The program's
/// file and the base of its mappings move by so many pages each, the stack by fewer, and the heap begins up to so many bytes behind the
/// program's file.
/// </summary>
/// <remarks>
/// Bits of mappings are the kernel's default, the least that a configuration may have: ARCH_MMAP_RND_BITS_MIN of arch/*/Kconfig, drawn by
/// arch_mmap_rnd (arch/x86/mm/mmap.c, mm/util.c); vm.mmap_rnd_bits may say more. Those of the stack are STACK_RND_MASK of
/// arch/*/include/asm/elf.h, and of mm/util.c where an architecture has none. The heap's bytes are those of arch_randomize_brk
/// (arch/x86/kernel/process.c, mm/util.c).
/// </remarks>
public sealed record LayoutEntropy
{
    /// <summary>User space of Linux on x86-64, also with five levels unless a program asks for more (DEFAULT_MAP_WINDOW).</summary>
    private const int WindowBits = 47;

    /// <summary>vm.mmap_min_addr's usual value: nothing is placed below.</summary>
    public const ulong LowestMovable = 0x1_0000;

    /// <summary>Bits of the distance, in pages, by which mappings and the program's file move: 1 to 40.</summary>
    public required int MappingBits { get; init; }

    /// <summary>Bits of the distance, in pages, by which the stack moves: 1 to 40.</summary>
    public required int StackBits { get; init; }

    /// <summary>The heap moves by less than so many bytes beside the program's file; whole pages.</summary>
    public ulong HeapBytes { get; init; } = 1UL << 30;

    /// <summary>Where user space ends: its last page is left out, and addresses from here on never move.</summary>
    public required ulong UserBytes { get; init; }

    /// <summary>
    /// To what files of programs and libraries are aligned: ELF_MAXPAGESIZE of the linker (binutils, bfd/elfxx-aarch64.c,
    /// bfd/elfnn-loongarch.c, bfd/elfnn-riscv.c, bfd/elf64-x86-64.c). The kernel keeps it for programs, and the C library for libraries.
    /// </summary>
    public ulong FileAlignment { get; init; } = PageSizes.BaseBytes;

    /// <summary>What Linux does on the architecture of a page-table format; as on x86-64 for a format of no architecture of it.</summary>
    public static LayoutEntropy Of(PageTableFormat format)
    {
        ArgumentNullException.ThrowIfNull(format);
        string name = format.Name;
        return IsOf("aarch64") ? new LayoutEntropy
        {
            // STACK_RND_MASK 0x3ffff.
            MappingBits = 18,
            StackBits = 18,
            UserBytes = UserBytesOf(48),
            FileAlignment = 0x1_0000,
        }
            : IsOf("riscv") ? new LayoutEntropy { MappingBits = 18, StackBits = 18, UserBytes = UserBytesOf(WindowBits) }
            : IsOf("loongarch64") ? new LayoutEntropy
            {
                // STACK_RND_MASK 0x7ff of mm/util.c.
                MappingBits = 12,
                StackBits = 11,
                UserBytes = UserBytesOf(WindowBits),
                FileAlignment = 0x1_0000,
            }
            //// STACK_RND_MASK 0x3fffff.
            : new LayoutEntropy { MappingBits = 28, StackBits = 22, UserBytes = UserBytesOf(WindowBits) };

        bool IsOf(string architecture) => name.StartsWith(architecture, StringComparison.Ordinal);
        ulong UserBytesOf(int bits) => (1UL << Math.Min(bits, format.RangeBits)) - PageSizes.BaseBytes;
    }

    /// <summary>Whether an address is of those that may move.</summary>
    public bool MayMove(ulong address) => address >= LowestMovable && address < UserBytes;
}
