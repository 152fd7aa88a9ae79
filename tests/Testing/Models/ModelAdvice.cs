using VmSim.Core.Addresses;
using VmSim.Core.Programs;

namespace VmSim.Testing.Models;

/// <summary>madvise as the naive model knows it: page by page, from its manual page.</summary>
internal static class ModelAdvice
{
    /// <summary>What a call comes to.</summary>
    /// <param name="Errno">What it answers, unless memory runs out.</param>
    /// <param name="Taken">The pages that it changes.</param>
    internal sealed record Outcome(Errno Errno, IReadOnlyList<ulong> Taken);

    /// <summary>What advice on a range comes to.</summary>
    public static Outcome Expect(ModelProcess process, ulong page, ulong pages, Advice advice)
    {
        List<ulong> taken = [];
        bool hasHole = false;
        for (ulong each = page; each < page + pages; each++)
        {
            bool populates = advice is Advice.PopulateRead or Advice.PopulateWrite;
            if (!process.Pages.TryGetValue(each, out ModelPage? model))
            {
                hasHole = true;
                if (populates)
                {
                    break;
                }

                continue;
            }

            Errno refusal = Refusal(process, each, model, advice);
            if (refusal != Errno.None)
            {
                return new Outcome(refusal, taken);
            }

            taken.Add(each);
        }

        return new Outcome(hasHole ? Errno.NoMemory : Errno.None, taken);
    }

    /// <summary>Whether an answer may be one of a call that could not have all its memory, and so stopped early.</summary>
    public static bool MayStopEarly(Advice advice) => advice is Advice.PopulateRead or Advice.PopulateWrite or Advice.Collapse;

    /// <summary>Does to the model what advice does to pages.</summary>
    public static void Follow(ModelWorld world, ModelProcess process, IReadOnlyList<ulong> taken, Advice advice)
    {
        foreach (ulong each in taken)
        {
            ModelPage page = process.Pages[each];
            process.Pages[each] = advice switch
            {
                Advice.DontNeed or Advice.DontNeedLocked => page with { Private = null },
                Advice.GuardInstall => page with { Private = null, Guarded = true },
                Advice.GuardRemove => page with { Guarded = false },
                Advice.DontFork => page with { NotForked = true },
                Advice.DoFork => page with { NotForked = false },
                Advice.WipeOnFork => page with { Wiped = true },
                Advice.KeepOnFork => page with { Wiped = false },
                _ => page,
            };
            if (advice == Advice.Remove)
            {
                world.ForgetIfRemoved(page.Source!, page.SourcePage);
            }
        }
    }

    private static Errno Refusal(ModelProcess process, ulong page, ModelPage model, Advice advice)
    {
        bool isDiscard = advice is Advice.Free or Advice.DontNeed or Advice.DontNeedLocked or Advice.DontFork or Advice.WipeOnFork
            or Advice.GuardInstall or Advice.Remove;
        bool isReadOnly = model.Source is null && (model.Rights & Protection.Write) == 0;
        if (model.Sealed && isDiscard && isReadOnly)
        {
            return Errno.PermissionDenied;
        }

        bool isSpecial = model.Guard || model.Outside is not null;
        bool isAnonymous = model.Source is null && !model.Shared && model.Outside is null;
        switch (advice)
        {
            case Advice.HardwarePoison or Advice.SoftOffline:
                return Errno.PermissionDenied;
            case Advice.DontNeed or Advice.Cold or Advice.PageOut or Advice.GuardInstall when isSpecial || model.Locked:
            case Advice.DontNeedLocked or Advice.GuardRemove or Advice.DoFork or Advice.DoDump when isSpecial:
            case Advice.Free when isSpecial || model.Locked || !isAnonymous:
            case Advice.Remove when model.Locked || model.Source is null:
            case Advice.WipeOnFork or Advice.Collapse when !isAnonymous:
                return Errno.InvalidArgument;
            case Advice.Remove when !model.Shared:
                return Errno.NoAccess;
            case Advice.PopulateRead or Advice.PopulateWrite:
                return Populating(process, page, model, advice == Advice.PopulateWrite, isSpecial);
            default:
                return Errno.None;
        }
    }

    private static Errno Populating(ModelProcess process, ulong page, ModelPage model, bool stores, bool isSpecial)
    {
        bool allowed = stores ? (model.Rights & Protection.Write) != 0 : model.Rights != Protection.None;
        if (isSpecial || !allowed)
        {
            return Errno.InvalidArgument;
        }

        bool isThere = process.Memory.Table.Query(VirtAddr.OfPage(page)).Mapped;
        return model.Guarded || (!isThere && model is { Source: { } source, Private: null } && !source.HasPage(model.SourcePage))
            ? Errno.BadAddress
            : Errno.None;
    }
}
