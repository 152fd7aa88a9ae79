using VmSim.Core.Addresses;
using VmSim.Core.Mapping;
using VmSim.Core.Programs;

namespace VmSim.Testing.Models;

/// <content>mremap in all its ways, mlock, mincore and mseal, page by page.</content>
internal sealed partial class ModelOperations
{
    private static readonly RemapFlags[] AllRemapFlags =
        [
            RemapFlags.MayMove,
            RemapFlags.MayMove,
            RemapFlags.MayMove | RemapFlags.Fixed,
            RemapFlags.MayMove | RemapFlags.Fixed,
            RemapFlags.MayMove | RemapFlags.DontUnmap,
            RemapFlags.MayMove | RemapFlags.Fixed | RemapFlags.DontUnmap,
        ];

    private void Remap(ModelProcess process, ulong page, ulong pages, ulong target, ulong newPages, ModelStep step)
    {
        RemapFlags flags = AllRemapFlags[step.Other % AllRemapFlags.Length];
        bool sameSize = (flags & RemapFlags.DontUnmap) != 0 || ((flags & RemapFlags.Fixed) != 0 && step.Choice % 3 > 0);
        newPages = sameSize ? pages : newPages;
        pages = !sameSize && step.Choice % 13 == 0 ? 0 : pages;
        target = step.Choice % 5 == 0 && pages > 0 ? page : target;
        SystemCall call = Call(SystemCallKind.Remap, page, pages) with
        {
            NewStart = VirtAddr.OfPage(target),
            NewLength = newPages << 12,
            RemapFlags = flags,
        };
        bool asIs = (flags & RemapFlags.Fixed) != 0 && pages == newPages;
        Apply(process, call, _ =>
        {
            if (target == page)
            {
                Resize(process, page, pages, newPages);
            }
            else if (pages == 0)
            {
                MapAgain(process, page, target, newPages);
            }
            else
            {
                Move(process, page, pages, target, asIs ? 0 : newPages, (flags & RemapFlags.DontUnmap) != 0);
            }
        }, () => RemapError(process, call, page, pages, target, newPages));
    }

    private static MappingErrorKind? RemapError(
        ModelProcess process, SystemCall call, ulong page, ulong pages, ulong target, ulong newPages)
    {
        bool moves = target != page || (call.RemapFlags & (RemapFlags.Fixed | RemapFlags.DontUnmap)) != 0;
        bool overlaps = pages > 0 && target < page + pages && page < target + newPages;
        bool isSpecial = Pages(page, pages).Any(each => process.Pages.TryGetValue(each, out ModelPage? model) && model.Outside is not null);
        bool isPrivate = pages == 0 && process.Pages.TryGetValue(page, out ModelPage? first) && !first.Shared;
        return (moves && overlaps) || isPrivate || (isSpecial && (call.RemapFlags & RemapFlags.DontUnmap) != 0)
            ? MappingErrorKind.InvalidParam
            : MeetsSeal(process, call, page, pages, target, newPages) ? MappingErrorKind.BadState
            : null;
    }

    /// <summary>Whether a move or a new size would unmap or move a sealed page.</summary>
    private static bool MeetsSeal(ModelProcess process, SystemCall call, ulong page, ulong pages, ulong target, ulong newPages)
    {
        if (target == page)
        {
            return IsSealed(process, page, 1) || (newPages < pages && IsSealed(process, page + newPages, pages - newPages));
        }

        bool asIs = (call.RemapFlags & RemapFlags.Fixed) != 0 && pages == newPages;
        return IsSealed(process, page, Math.Max(1, pages)) || (asIs
            ? Pages(page, pages).Where(process.Pages.ContainsKey).Any(each => IsSealed(process, each - page + target, 1))
            : IsSealed(process, target, newPages));
    }

    private static void Resize(ModelProcess process, ulong page, ulong pages, ulong newPages)
    {
        for (ulong each = newPages; each < pages; each++)
        {
            process.Pages.Remove(page + each);
        }

        for (ulong each = pages; each < newPages; each++)
        {
            process.Pages[page + each] = Grown(process.Pages[page + pages - 1], each - pages + 1);
        }
    }

    private static void MapAgain(ModelProcess process, ulong page, ulong target, ulong newPages)
    {
        ModelPage first = process.Pages[page];
        Remove(process, target, newPages);
        for (ulong each = 0; each < newPages; each++)
        {
            process.Pages[target + each] = Grown(first, each);
        }
    }

    /// <summary>Moves pages; a new size of 0 keeps each at its distance, with the holes between them.</summary>
    private static void Move(ModelProcess process, ulong page, ulong pages, ulong target, ulong newPages, bool stays)
    {
        List<(ulong Page, ModelPage Model)> moved =
            [.. Pages(page, pages).Where(process.Pages.ContainsKey).Select(each => (each, process.Pages[each]))];
        Remove(process, page, pages);
        foreach ((ulong old, ModelPage model) in moved.Where(_ => stays))
        {
            process.Pages[old] = model with { Private = null, Guarded = false, Locked = false };
        }

        Remove(process, target, newPages);
        foreach ((ulong old, ModelPage model) in moved.Where(each => newPages == 0 || each.Page - page < newPages))
        {
            process.Pages[old - page + target] = model;
        }

        for (ulong each = pages; each < newPages; each++)
        {
            process.Pages[target + each] = Grown(moved[^1].Model, each - pages + 1);
        }
    }

    private static ModelPage Grown(ModelPage last, ulong distance) => last with
    {
        Private = null,
        Guarded = false,
        SourcePage = last.Source is null ? 0 : last.SourcePage + distance,
        Outside = last.Outside is { } outside ? outside + (distance << 12) : null,
    };

    /// <summary>Locks or unlocks pages up to the first hole.</summary>
    private void Lock(ModelProcess process, ulong page, ulong pages, ModelStep step)
    {
        bool locks = step.Choice % 2 == 0;
        SystemCall call = Call(locks ? SystemCallKind.Lock : SystemCallKind.Unlock, page, pages) with
        {
            Locking = step.Choice % 3 == 0 ? Locking.OnFault : Locking.None,
        };
        ulong end = EndBeforeHole(process, page, pages);
        Apply(process, call, result =>
        {
            bool mayFail = locks && (call.Locking & Locking.OnFault) == 0;
            Assert.True(mayFail || result.Errno == (end == page + pages ? Errno.None : Errno.NoMemory), $"{call} answered {result.Errno}");
            for (ulong each = page; each < end; each++)
            {
                process.Pages[each] = process.Pages[each] with { Locked = locks };
            }
        }, expected: null);
    }

    /// <summary>Locks or unlocks everything, and perhaps what comes later.</summary>
    private void LockAll(ModelProcess process, ModelStep step)
    {
        bool locks = step.Choice % 3 == 0;
        Locking locking = locks ? Locking.Current : Locking.None;
        SystemCall call = new() { Kind = locks ? SystemCallKind.LockAll : SystemCallKind.UnlockAll, Locking = locking };
        Apply(process, call, () =>
        {
            foreach (ulong each in process.Pages.Keys.ToList())
            {
                process.Pages[each] = process.Pages[each] with { Locked = locks };
            }
        });
    }

    private void QueryResident(ModelProcess process, ulong page, ulong pages)
    {
        long expected = Pages(page, pages).LongCount(each => process.Pages.TryGetValue(each, out ModelPage? model)
            && (process.Memory.Table.Query(VirtAddr.OfPage(each)).Mapped || model.Source?.TryGetFrame(model.SourcePage, out _) == true));
        bool isWhole = EndBeforeHole(process, page, pages) == page + pages;
        Apply(
            process,
            Call(SystemCallKind.QueryResident, page, pages),
            result => Assert.Equal(expected, result.PagesResident),
            () => isWhole ? null : MappingErrorKind.NoMemory);
    }

    private void Seal(ModelProcess process, ulong page)
    {
        SystemCall call = Call(SystemCallKind.Seal, page, 1);
        Apply(
            process,
            call,
            () => process.Pages[page] = process.Pages[page] with { Sealed = true },
            () => process.Pages.ContainsKey(page) ? null : MappingErrorKind.NoMemory);
    }

    private static bool IsSealed(ModelProcess process, ulong page, ulong pages) =>
        Pages(page, pages).Any(each => process.Pages.TryGetValue(each, out ModelPage? model) && model.Sealed);

    private static ulong EndBeforeHole(ModelProcess process, ulong page, ulong pages)
    {
        ulong end = page;
        while (end < page + pages && process.Pages.ContainsKey(end))
        {
            end++;
        }

        return end;
    }
}
