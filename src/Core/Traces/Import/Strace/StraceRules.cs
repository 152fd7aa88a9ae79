namespace VmSim.Core.Traces.Import.Strace;

/// <summary>
/// What a call that succeeded can have been asked for and have answered. A line that says anything else was cut, or is mixed with another.
/// </summary>
/// <remarks>
/// The rules are those of the kernel: mm/mmap.c, mm/mprotect.c, mm/mremap.c, mm/madvise.c, mm/mlock.c, mm/msync.c, mm/mincore.c,
/// mm/mseal.c and ipc/shm.c refuse all else with EINVAL. Pages have at least 4,096 bytes on all machines.
/// </remarks>
internal static class StraceRules
{
    private const ulong PageMask = 4095;
    private const string Zero = "the result 0, the only one that this call succeeds with";
    private const string Page = "a start that is a multiple of 4096, with which alone this call succeeds";
    private const string Place = "the address of a page of the program as the result";
    private const string Here = "addresses of the program, which are below 2^56";

    /// <summary>
    /// Where user space ends at the latest: x86-64 with five levels has the largest of the machines that are simulated (TASK_SIZE_MAX in
    /// arch/x86/include/asm/page_64_types.h).
    /// </summary>
    private const ulong UserEnd = 1UL << 56;

    /// <summary>The kernel's highest process id, PID_MAX_LIMIT on 64 bits (include/linux/threads.h).</summary>
    public const ulong MaxProcess = 1UL << 22;

    /// <summary>What is allowed instead of a call; null for one that can have happened.</summary>
    /// <param name="name">The call.</param>
    /// <param name="a">Its arguments.</param>
    /// <param name="result">Its answer.</param>
    public static string? Broken(StraceName name, in StraceArguments a, in StraceResult result)
    {
        if (result.HasRemark && name.Call is >= StraceCall.Map and <= StraceCall.Seal)
        {
            return "nothing behind the result but '(INJECTED)', '(DELAYED)' and the time of -T";
        }

        switch (name.Call)
        {
            case StraceCall.Unmap or StraceCall.Protect or StraceCall.Advise or StraceCall.Detach or StraceCall.Sync
                or StraceCall.Resident or StraceCall.Seal:
                return result.Value != 0 ? Zero : !IsPage(a, 0) ? Page : IsUser(a) ? null : Here;
            case StraceCall.Lock or StraceCall.Unlock or StraceCall.LockAll or StraceCall.UnlockAll or StraceCall.RemapFilePages
                or StraceCall.Execute:
                return result.Value != 0 ? Zero : null;
            case StraceCall.Remap:
                return !IsPlace(result.Value) ? Place : !IsPage(a, 0) ? Page : IsUser(a) ? null : Here;
            case StraceCall.Attach or StraceCall.ShadowStack:
                return IsPlace(result.Value) ? null : Place;
            case StraceCall.SegmentGet or StraceCall.SegmentControl:
                return result.Value > int.MaxValue ? "a number of a segment as the result" : null;
            case StraceCall.Break:
                return result.Value == 0 && a.TryNumber(0, out ulong wanted) && wanted != 0 ? "the heap's end as the result" : null;
            case StraceCall.Clone or StraceCall.Clone3 or StraceCall.Fork or StraceCall.VFork:
                return result.Value > MaxProcess ? "a process id of at most 4194304 as the result" : null;
            default:
                return null;
        }
    }

    /// <summary>What is allowed instead of a mapping; null for one that can have happened.</summary>
    /// <param name="hint">The address that was asked for.</param>
    /// <param name="start">The address that was answered.</param>
    /// <param name="flags">The mapping's flags.</param>
    /// <param name="offset">The offset in the file.</param>
    public static string? BrokenMap(ulong hint, ulong start, ulong flags, ulong offset)
    {
        const ulong MapFixed = 0x10;
        const ulong MapType = 0xF;
        bool isFixed = (flags & MapFixed) != 0;
        return !IsPage(start) || start >= UserEnd || (start == 0 && !isFixed) ? Place
            : (flags & MapType) is not (1 or 2 or 3 or 8) ? "MAP_SHARED or MAP_PRIVATE among the flags, without which no mapping is made"
            : isFixed && hint != start ? "the address that MAP_FIXED asked for as the result"
            : IsPage(offset) ? null : "an offset that is a multiple of 4096";
    }

    /// <summary>What is allowed instead of a heap's end; null for one that can be.</summary>
    /// <param name="result">What brk answered.</param>
    /// <param name="start">Where the heap begins; 0 if that is not known.</param>
    public static string? BrokenBreak(ulong result, ulong start) =>
        result >= UserEnd ? Here
        : result < start ? $"a heap's end of at least {start:x}, where the heap begins (brk does not go below that)"
        : null;

    /// <summary>What is allowed instead of an area's new place; null for one that can have happened.</summary>
    /// <param name="start">Where the area was.</param>
    /// <param name="bytes">How large it was.</param>
    /// <param name="newBytes">How large it is.</param>
    /// <param name="flags">The call's flags.</param>
    /// <param name="result">Where it is.</param>
    public static string? BrokenRemap(ulong start, ulong bytes, ulong newBytes, ulong flags, ulong result)
    {
        const ulong MayMove = 1;
        const ulong Moves = 2 | 4;
        bool stays = (flags & MayMove) == 0 || ((flags & Moves) == 0 && Pages(newBytes) <= Pages(bytes) && bytes != 0);
        return stays && result != start ? "the old address as the result of a call that does not move the area" : null;
    }

    private static ulong Pages(ulong bytes) => (bytes / (PageMask + 1)) + ((bytes & PageMask) != 0 ? 1UL : 0);

    private static bool IsPage(ulong value) => (value & PageMask) == 0;

    private static bool IsPlace(ulong value) => IsPage(value) && value != 0 && StraceValues.Address(value) < UserEnd;

    /// <summary>Whether the range of the first two arguments is in user space; one that cannot be read is judged elsewhere.</summary>
    private static bool IsUser(in StraceArguments a) =>
        !a.TryAddress(0, out ulong start) || (start < UserEnd && (!a.TryNumber(1, out ulong bytes) || bytes <= UserEnd - start));

    private static bool IsPage(in StraceArguments a, int index) => !a.TryNumber(index, out ulong value) || IsPage(value);
}
