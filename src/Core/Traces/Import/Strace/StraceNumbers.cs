using System.Globalization;

namespace VmSim.Core.Traces.Import.Strace;

/// <summary>Names of calls that strace printed by number, as syscall_0x1ce or, by old versions, as syscall_462.</summary>
/// <remarks>
/// The numbers are those of strace's tables (src/linux/x86_64, i386, 64 and generic), of the calls in <see cref="StraceNames"/>.
/// </remarks>
internal static class StraceNumbers
{
    private const string Prefix = "syscall_";

    // numbers from 424 on are the same on all machines (scripts/syscall.tbl); up to 471 none but these concern memory or processes
    private const ulong FirstCommonNumber = 424;
    private const ulong LastKnownNumber = 471;
    private const ulong X32Bit = 0x4000_0000;

    private const string OfX64 =
        "2 open 3 close 9 mmap 10 mprotect 11 munmap 12 brk 16 ioctl 25 mremap 26 msync 27 mincore 28 madvise 29 shmget 30 "
        + "shmat 31 shmctl 32 dup 33 dup2 56 clone 57 fork 58 vfork 59 execve 60 exit 67 shmdt 72 fcntl 85 creat 134 uselib 149 "
        + "mlock 150 munlock 151 mlockall 152 munlockall 157 prctl 158 arch_prctl 206 io_setup 207 io_destroy 216 "
        + "remap_file_pages 231 exit_group 237 mbind 238 set_mempolicy 239 get_mempolicy 256 migrate_pages 257 openat 279 "
        + "move_pages 292 dup3 319 memfd_create 322 execveat 323 userfaultfd 325 mlock2 329 pkey_mprotect 330 pkey_alloc 331 "
        + "pkey_free";

    private const string OfX86 =
        "1 exit 2 fork 5 open 6 close 8 creat 11 execve 17 break 41 dup 45 brk 54 ioctl 55 fcntl 63 dup2 86 uselib 90 mmap 91 "
        + "munmap 117 ipc 120 clone 125 mprotect 144 msync 150 mlock 151 munlock 152 mlockall 153 munlockall 163 mremap 172 prctl "
        + "190 vfork 192 mmap2 218 mincore 219 madvise 221 fcntl64 245 io_setup 246 io_destroy 251 exit_group 257 "
        + "remap_file_pages 274 mbind 275 get_mempolicy 276 set_mempolicy 294 migrate_pages 295 openat 317 move_pages 330 dup3 "
        + "356 memfd_create 358 execveat 374 userfaultfd 376 mlock2 380 pkey_mprotect 381 pkey_alloc 382 pkey_free 384 arch_prctl "
        + "395 shmget 396 shmctl 397 shmat 398 shmdt";

    private const string OfGeneric =
        "0 io_setup 1 io_destroy 23 dup 24 dup3 25 fcntl 29 ioctl 56 openat 57 close 93 exit 94 exit_group 167 prctl 194 shmget "
        + "195 shmctl 196 shmat 197 shmdt 214 brk 215 munmap 216 mremap 220 clone 221 execve 222 mmap 226 mprotect 227 msync 228 "
        + "mlock 229 munlock 230 mlockall 231 munlockall 232 mincore 233 madvise 234 remap_file_pages 235 mbind 236 get_mempolicy "
        + "237 set_mempolicy 238 migrate_pages 239 move_pages 279 memfd_create 281 execveat 282 userfaultfd 284 mlock2 288 "
        + "pkey_mprotect 289 pkey_alloc 290 pkey_free";

    private const string OfAll =
        "427 io_uring_register 434 pidfd_open 435 clone3 437 openat2 440 process_madvise 447 memfd_secret 448 process_mrelease "
        + "450 set_mempolicy_home_node 451 cachestat 453 map_shadow_stack 462 mseal";

    private static readonly Dictionary<ulong, string> X64 = Read(OfX64);
    private static readonly Dictionary<ulong, string> X86 = Read(OfX86);
    private static readonly Dictionary<ulong, string> Generic = Read(OfGeneric);
    private static readonly Dictionary<ulong, string> Common = Read(OfAll);

    /// <summary>The call that was printed by number.</summary>
    /// <param name="text">The name as it was printed.</param>
    /// <param name="machine">How its calls are numbered.</param>
    /// <returns>Null for a call that was printed by name.</returns>
    public static StraceName? Find(string text, StraceMachine machine)
    {
        if (!text.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return null;
        }

        ReadOnlySpan<char> digits = text.AsSpan(Prefix.Length);
        bool isHex = digits.StartsWith("0x", StringComparison.Ordinal);
        bool isNumber = ulong.TryParse(
            isHex ? digits[2..] : digits,
            isHex ? NumberStyles.AllowHexSpecifier : NumberStyles.None,
            CultureInfo.InvariantCulture,
            out ulong number);
        number = machine == StraceMachine.X64 ? number & ~X32Bit : number;
        Dictionary<ulong, string> names = number >= FirstCommonNumber ? Common : machine switch
        {
            StraceMachine.X86 => X86,
            StraceMachine.Generic => Generic,
            _ => X64,
        };
        return !isNumber ? new StraceName(text, StraceCall.Unnamed)
            : names.TryGetValue(number, out string? name) ? new StraceName(name, StraceNames.CallOf(name))
            : new StraceName(text, number <= LastKnownNumber ? StraceCall.Other : StraceCall.Unnamed);
    }

    private static Dictionary<ulong, string> Read(string table)
    {
        string[] words = table.Split(' ');
        Dictionary<ulong, string> names = [];
        for (int i = 0; i < words.Length; i += 2)
        {
            names.Add(ulong.Parse(words[i], CultureInfo.InvariantCulture), words[i + 1]);
        }

        return names;
    }
}
