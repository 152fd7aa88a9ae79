using VmSim.Core.Addresses;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Programs;

namespace VmSim.Core.Memory;

/// <summary>Which advice an area takes, and which flags advice changes (Linux 6.18: mm/madvise.c).</summary>
internal static class AdviceRules
{
    /// <summary>What madvise answers without looking at any area; none to go on.</summary>
    public static Errno AnswerAtOnce(Advice advice) => advice switch
    {
        // Only an administrator may break memory (madvise_inject_error); programs are none.
        Advice.HardwarePoison or Advice.SoftOffline => Errno.PermissionDenied,
        _ => Enum.IsDefined(advice) ? Errno.None : Errno.InvalidArgument,
    };

    /// <summary>What madvise answers when it comes to an area that does not take the advice; none for one that does.</summary>
    /// <param name="advice">The advice.</param>
    /// <param name="area">The area, or the part of it that the advice is for.</param>
    public static Errno Refusal(Advice advice, in AreaSet.Area area)
    {
        if ((area.Flags & AreaFlags.Sealed) != 0 && IsDiscard(advice) && !MayDiscardSealed(area))
        {
            return Errno.PermissionDenied;
        }

        bool isSpecial = !area.Backend.TakesAdvice;
        bool isLocked = (area.Flags & AreaFlags.Locked) != 0;
        bool isHugeTlb = (area.Flags & AreaFlags.HugeTlb) != 0;
        Backing backing = area.Backend.Backing;
        bool refuses = advice switch
        {
            Advice.DontNeed => isSpecial || isLocked || !StartsWhole(area), // madvise_dontneed_free_valid_vma
            Advice.DontNeedLocked => isSpecial || !StartsWhole(area),
            // madvise_free_single_vma
            Advice.Free => isSpecial || isHugeTlb || isLocked || backing is not { IsPrivate: true, Object: null },
            Advice.Cold or Advice.PageOut => isSpecial || isLocked || isHugeTlb, // can_madv_lru_vma
            Advice.Remove => isLocked || (backing.Object is null && !isHugeTlb), // madvise_remove; huge pages have a file
            Advice.DoFork or Advice.DoDump => isSpecial,
            Advice.WipeOnFork => isHugeTlb || backing is not { IsPrivate: true, Object: null },
            Advice.GuardInstall => isSpecial || isLocked || isHugeTlb, // is_valid_guard_vma
            Advice.GuardRemove => isSpecial || isHugeTlb,
            Advice.Collapse => isHugeTlb || (area.Flags & AreaFlags.NoHugePages) != 0 || backing is not { IsPrivate: true, Object: null },
            _ => false,
        };
        return refuses ? Errno.InvalidArgument
            : advice == Advice.Remove && backing.IsPrivate ? Errno.NoAccess
            : Errno.None;
    }

    /// <summary>The flags that advice takes away and gives; null for advice that changes pages instead.</summary>
    public static (AreaFlags Remove, AreaFlags Add)? FlagsOf(Advice advice) => advice switch
    {
        Advice.Normal => (AreaFlags.RandomReads | AreaFlags.SequentialReads, AreaFlags.None),
        Advice.Random => (AreaFlags.SequentialReads, AreaFlags.RandomReads),
        Advice.Sequential => (AreaFlags.RandomReads, AreaFlags.SequentialReads),
        Advice.HugePage => (AreaFlags.NoHugePages, AreaFlags.HugePages),
        Advice.NoHugePage => (AreaFlags.HugePages, AreaFlags.NoHugePages),
        Advice.DontFork => (AreaFlags.None, AreaFlags.NotForked),
        Advice.DoFork => (AreaFlags.NotForked, AreaFlags.None),
        Advice.WipeOnFork => (AreaFlags.None, AreaFlags.WipedOnFork),
        Advice.KeepOnFork => (AreaFlags.WipedOnFork, AreaFlags.None),
        Advice.DontDump => (AreaFlags.None, AreaFlags.NotDumped),
        Advice.DoDump => (AreaFlags.NotDumped, AreaFlags.None),
        Advice.Mergeable => (AreaFlags.None, AreaFlags.Mergeable),
        Advice.Unmergeable => (AreaFlags.Mergeable, AreaFlags.None),
        _ => null,
    };

    private static bool IsDiscard(Advice advice) => advice is Advice.Free or Advice.DontNeed or Advice.DontNeedLocked or Advice.Remove
        or Advice.DontFork or Advice.WipeOnFork or Advice.GuardInstall;

    private static bool StartsWhole(in AreaSet.Area area) => (area.Start.Value & (area.Backend.Granule.Bytes() - 1)) == 0;

    /// <summary>A seal protects what no store could overwrite: anonymous memory that is read-only (can_madvise_modify).</summary>
    private static bool MayDiscardSealed(in AreaSet.Area area) =>
        area.Backend.Backing.Object is not null || (area.Flags & AreaFlags.Write) != 0;
}
