using VmSim.Core.Addresses;
using VmSim.Core.Mapping;
using VmSim.Core.Memory;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Paging;
using VmSim.Core.Programs;

namespace VmSim.Testing.Models;

/// <summary>One random operation of the contract tests; the numbers are cut to what the operation needs.</summary>
internal readonly record struct ModelStep(int Kind, int Process, int Page, int Pages, int Choice, int Other);

/// <summary>
/// Does random operations on a space and on the naive model, and compares. An operation that is refused must have left everything alone.
/// </summary>
internal sealed partial class ModelOperations(ModelWorld world, BackendKind backend, MockBackend? mock, bool isLarge, ulong startPages)
{
    private const ulong First = 0x7f00_0000_0000 >> 12;
    private const ulong BusyFirst = 470;
    private const ulong BusySpan = 90;
    private const int MostProcesses = 3;
    private const ulong FarPhysical = 1UL << 40;

    /// <summary>Pages in which operations play: some 2 MiB regions, or some pages on both sides of a page-table page's end.</summary>
    private readonly ulong _first = isLarge ? First : First + 450;
    private readonly ulong _span = isLarge ? 1600UL : 130;

    private static readonly Protection[] AllRights =
        [
            Protection.None,
            Protection.Read,
            Protection.Read | Protection.Write,
            Protection.Read | Protection.Write | Protection.Execute,
            Protection.Read | Protection.Write,
        ];

    private static readonly Advice[] AllAdvice =
        [
            Advice.DontNeed,
            Advice.DontNeed,
            Advice.Free,
            Advice.HugePage,
            Advice.NoHugePage,
            Advice.PopulateRead,
            Advice.PopulateWrite,
            Advice.WillNeed,
            Advice.Random,
            Advice.Normal,
            .. Enum.GetValues<Advice>(),
        ];

    public int Refused { get; private set; }

    public int Done { get; private set; }

    /// <summary>A range that holds everything that operations touch.</summary>
    public static AddrRange<VirtAddr> Window(bool isLarge, ulong morePages) => isLarge
        ? AddrRange.Of(VirtAddr.OfPage(First), (3072 + morePages) << PageSizes.BaseShift)
        : AddrRange.Of(VirtAddr.OfPage(First + 440), 320UL << PageSizes.BaseShift);

    /// <summary>Pages that <see cref="Begin"/> usually maps.</summary>
    public static ulong StartPages(bool isLarge) => isLarge ? 1200UL : 50;

    /// <summary>Maps the pages in which most operations play, so that they meet something.</summary>
    public void Begin()
    {
        ModelProcess process = world.Processes[0];
        ulong first = isLarge ? First : First + BusyFirst;
        Map(process, first, startPages, new ModelStep(0, 0, 0, 0, Choice: 2, Other: 0));
        Advise(process, first, startPages, Advice.HugePage);
        Access(process, First + BusyFirst, 8, AccessKind.Store, 0);
    }

    public void Run(ModelStep step)
    {
        ModelProcess process = world.Processes[step.Process % world.Processes.Count];
        ulong page = step.Page % 10 < 7 ? First + BusyFirst + ((ulong)step.Page % BusySpan) : _first + ((ulong)step.Page % _span);
        ulong pages = 1 + ((ulong)step.Pages % (isLarge && step.Other % 7 == 0 ? 1100UL : 40UL));
        switch (step.Kind)
        {
            case 0 or 1 or 2:
                Map(process, page, pages, step);
                break;
            case 3:
                Apply(
                    process,
                    Call(SystemCallKind.Unmap, page, pages),
                    () => Remove(process, page, pages),
                    () => IsSealed(process, page, pages) ? MappingErrorKind.BadState : null);
                break;
            case 4 or 5:
                Protect(process, page, pages, AllRights[step.Choice % AllRights.Length]);
                break;
            case 6 or 7:
                Advise(process, page, pages, AllAdvice[step.Choice % AllAdvice.Length]);
                break;
            case 8:
                Remap(process, page, pages, _first + ((ulong)step.Other % _span), 1 + ((ulong)step.Choice % 60), step);
                break;
            case 9 when world.Processes.Count < MostProcesses:
                Fork(process);
                break;
            case 10 when world.Processes.Count > 1 && step.Choice % 3 == 0:
                Exit(process);
                break;
            case 11:
                Apply(process, Call(SystemCallKind.Sync, page, pages), () => { });
                break;
            case 12:
                Truncate(step);
                break;
            case 13:
                Lock(process, page, pages, step);
                break;
            case 14 when step.Choice % 4 == 0:
                LockAll(process, step);
                break;
            case 15 when step.Choice % 4 == 0:
                Seal(process, page);
                break;
            case 16 when step.Choice % 2 == 0:
                QueryResident(process, page, pages);
                break;
            default:
                Access(process, page, Math.Min(pages, 48), (AccessKind)(1 + (step.Choice % 2)), step.Other);
                break;
        }

        world.ReleaseAllBut(step.Other % 3);
    }

    private static SystemCall Call(SystemCallKind kind, ulong page, ulong pages) =>
        new() { Kind = kind, Start = VirtAddr.OfPage(page), Length = pages << 12 };

    private static void Remove(ModelProcess process, ulong page, ulong pages)
    {
        for (ulong each = page; each < page + pages; each++)
        {
            process.Pages.Remove(each);
        }
    }

    /// <summary>Applies a call; after a refusal the world must look as before, otherwise the model follows.</summary>
    private bool Apply(ModelProcess process, SystemCall call, Action follow, Func<MappingErrorKind?>? expected = null) =>
        Apply(process, call, _ => follow(), expected);

    private bool Apply(ModelProcess process, SystemCall call, Action<MmResult> follow, Func<MappingErrorKind?>? expected)
    {
        ulong before = world.Digest();
        if (mock is not null)
        {
            mock.RefuseAfter = (int)(call.Length >> 12) % 4;
            mock.RefuseLate = (call.Start.PageNumber & 1) == 0;
        }

        TranslationSnapshot translations = new(process.Memory.Table, world.Window);
        MmResult result = process.Memory.Apply(call);
        if (mock is not null)
        {
            mock.RefuseAfter = 0;
        }

        if (result.Error is { } error)
        {
            Refused++;
            Assert.Equal(before, world.Digest());
            Assert.NotEqual(Errno.None, result.Errno);
            bool mayFail = error.Kind is MappingErrorKind.NoMemory or MappingErrorKind.BadState || call.Advice == Advice.Collapse;
            if (!mayFail && expected?.Invoke() != error.Kind)
            {
                Assert.Fail($"{call} gave {error}");
            }

            return false;
        }

        MappingErrorKind? wanted = expected?.Invoke();
        Assert.True(wanted is null, $"{call} succeeded and should fail with {wanted}; it answered {result.Errno}");
        translations.CheckAgainst(new TranslationSnapshot(process.Memory.Table, world.Window), result.Dead, result.TablesFreed);
        Done++;
        world.Hold(process.Memory, result.Release);
        follow(result);
        if (call.Populate || call.Advice is Advice.PopulateWrite or Advice.Collapse || call.Kind is SystemCallKind.Lock)
        {
            world.CopyPopulated(process, call.Populate ? null : translations, call.Start.PageNumber, call.Length >> 12);
        }
        else if (call.Kind is SystemCallKind.Remap)
        {
            world.CopyPopulated(process, null, call.NewStart.PageNumber, call.NewLength >> 12);
        }
        else if (call.Kind is SystemCallKind.LockAll)
        {
            world.CopyPopulated(process, translations, 0, ulong.MaxValue);
        }

        return true;
    }

    private void Map(ModelProcess process, ulong page, ulong pages, ModelStep step)
    {
        Protection rights = AllRights[step.Choice % AllRights.Length];
        int source = step.Other % 6;
        SystemCall call = Call(SystemCallKind.Map, page, pages) with { Protection = rights, Populate = step.Choice % 11 == 0 };
        ulong offset = (ulong)step.Choice % 30;
        call = source switch
        {
            0 or 1 => OfBackend(call, step),
            2 => call with { Shared = true },
            3 => call with { Source = MappingSource.File, FileId = step.Choice % 3, Offset = offset << 12 },
            4 => call with { Source = MappingSource.File, FileId = step.Choice % 3, Offset = offset << 12, Shared = true },
            5 when step.Choice % 5 == 0 => call with { Source = MappingSource.Guard },
            _ => call,
        };
        Apply(process, call, () =>
        {
            Remove(process, page, pages);
            if (process.Memory.BackingAt(call.Start)?.Object is { } made)
            {
                world.Know(made);
            }

            for (ulong each = page; each < page + pages; each++)
            {
                Backing backing = process.Memory.BackingAt(VirtAddr.OfPage(each))!.Value;
                process.Pages[each] = new ModelPage
                {
                    Rights = rights,
                    Shared = backing is { IsPrivate: false, IsOutside: false },
                    Guard = call.Source == MappingSource.Guard || call.Backend == MemoryBackends.Guard,
                    Outside = backing.IsOutside ? process.Memory.Table.Query(VirtAddr.OfPage(each)).Frame : null,
                    Source = backing.Object,
                    SourcePage = backing.Object is null ? 0 : backing.PageOf(VirtAddr.OfPage(each)),
                };
            }
        }, () => IsSealed(process, page, pages) ? MappingErrorKind.BadState : null);
    }

    /// <summary>
    /// A mapping of the backend that is tried: with a file if it needs one, at physical addresses of the pool or far above it.
    /// </summary>
    private SystemCall OfBackend(SystemCall call, ModelStep step)
    {
        call = call with { Backend = backend.Name };
        return backend.NeedsObject
            ? call with
            {
                Source = MappingSource.File,
                FileId = step.Choice % 3,
                Offset = (ulong)(step.Choice % 30) << 12,
                Shared = step.Choice % 2 == 0
            }
            : call with { Offset = step.Choice % 2 == 0 ? 0 : FarPhysical };
    }

    private void Protect(ModelProcess process, ulong page, ulong pages, Protection rights)
    {
        SystemCall call = Call(SystemCallKind.Protect, page, pages) with { Protection = rights };
        ulong end = EndBeforeHole(process, page, pages);
        ulong firstSealed = Pages(page, end - page).FirstOrDefault(each => process.Pages[each].Sealed, end);
        bool stopsAtSeal = firstSealed < end;
        end = firstSealed;
        Apply(process, call, result =>
        {
            Assert.Equal(stopsAtSeal ? Errno.PermissionDenied : end == page + pages ? Errno.None : Errno.NoMemory, result.Errno);
            for (ulong each = page; each < end; each++)
            {
                process.Pages[each] = process.Pages[each] with { Rights = rights };
            }
        }, expected: null);
    }

    private void Advise(ModelProcess process, ulong page, ulong pages, Advice advice)
    {
        SystemCall call = Call(SystemCallKind.Advise, page, pages) with { Advice = advice };
        ModelAdvice.Outcome expected = ModelAdvice.Expect(process, page, pages, advice);
        Apply(process, call, result =>
        {
            if (!ModelAdvice.MayStopEarly(advice) || result.Errno == Errno.None)
            {
                Assert.Equal(expected.Errno, result.Errno);
            }

            ModelAdvice.Follow(world, process, expected.Taken, advice);
        }, () => expected.Taken.Count > 0 ? null : KindOf(expected.Errno));
    }

    /// <summary>The kind of a call's error; none for a populating call that comes to a page without memory: it has begun.</summary>
    private static MappingErrorKind? KindOf(Errno errno) => errno switch
    {
        Errno.None or Errno.BadAddress => null,
        Errno.NoMemory => MappingErrorKind.NoMemory,
        Errno.InvalidArgument => MappingErrorKind.InvalidParam,
        _ => MappingErrorKind.BadState,
    };

    private void Fork(ModelProcess parent)
    {
        ulong before = world.Digest();
        PageTable table = world.NewTable();
        if (mock is not null)
        {
            mock.RefuseAfter = parent.Pages.Count % 3;
            mock.RefuseLate = true;
        }

        TranslationSnapshot translations = new(parent.Memory.Table, world.Window);
        VirtualMemory? memory = parent.Memory.Fork(table, world.Pool, out MmResult effect);
        if (mock is not null)
        {
            mock.RefuseAfter = 0;
        }

        if (memory is null)
        {
            Refused++;
            Assert.NotNull(effect.Error);
            Assert.Equal(before, world.Digest());
            Assert.Equal(1, table.TablePages);
            return;
        }

        Done++;
        translations.CheckAgainst(new TranslationSnapshot(parent.Memory.Table, world.Window), effect.Dead, effect.TablesFreed);
        world.Hold(parent.Memory, effect.Release);
        ModelProcess child = new(memory);
        foreach ((ulong page, ModelPage model) in parent.Pages.Where(page => !page.Value.NotForked))
        {
            child.Pages.Add(page, (model.Wiped ? model with { Private = null, Guarded = false } : model) with { Locked = false });
        }

        world.Processes.Add(child);
    }

    private void Exit(ModelProcess process)
    {
        MmResult result = process.Memory.Clear();
        Assert.Null(result.Error);
        Assert.Equal(default, process.Memory.Resident);
        Assert.Equal(1, process.Memory.Table.TablePages);
        world.Hold(process.Memory, result.Release);
        world.Processes.Remove(process);
    }

    private void Truncate(ModelStep step)
    {
        MemoryObject file = world.Cache.Files[step.Choice % world.Cache.Files.Count];
        ulong pages = (ulong)step.Page % 60;
        foreach (ModelProcess process in world.Processes)
        {
            TranslationSnapshot translations = new(process.Memory.Table, world.Window);
            MmResult result = process.Memory.Truncate(file, pages << 12);
            Assert.Null(result.Error);
            translations.CheckAgainst(new TranslationSnapshot(process.Memory.Table, world.Window), result.Dead, result.TablesFreed);
            world.Hold(process.Memory, result.Release);
            foreach ((ulong page, ModelPage model) in process.Pages.ToList())
            {
                if (ReferenceEquals(model.Source, file) && model.SourcePage >= pages)
                {
                    process.Pages[page] = model with { Private = null };
                }
            }
        }

        world.ForgetObjectValues(file, pages);
        world.Cache.SetLength(file, pages << 12);
    }

    private void Access(ModelProcess process, ulong page, ulong pages, AccessKind kind, int stride)
    {
        for (ulong each = page; each < page + pages; each += 1 + ((ulong)stride % 4))
        {
            world.Access(process, each, kind);
        }
    }

    private static IEnumerable<ulong> Pages(ulong page, ulong pages) => Enumerable.Range(0, (int)pages).Select(each => page + (ulong)each);
}
