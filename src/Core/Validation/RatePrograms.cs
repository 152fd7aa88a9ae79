using VmSim.Core.Programs;
using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Core.Validation;

/// <summary>
/// Loops whose rate was measured with one and two threads and processes (github.com/antonblanchard/will-it-scale, tests/).
/// </summary>
internal static class RatePrograms
{
    /// <summary>Pages that each task has of its own from the start.</summary>
    public const int OwnPages = 8;

    /// <summary>Bytes of each task's file.</summary>
    public const ulong FileBytes = Pages * ProgramMemory.PageBytes;

    private const ulong Pages = 1_024;
    private const ulong UntouchedPages = 32_768;
    private const int Repeats = 50;

    /// <summary>All of them.</summary>
    public static IReadOnlyList<MeasuredProgram> All { get; } =
    [
        new RateProgram("pf1", (int)Pages, Pages, context => Faults(context, call => call)),
        new RateProgram(
            "pf2",
            (int)Pages,
            Pages,
            context => Faults(context, call => call with { Source = MappingSource.File, FileId = context.Task })),
        new RateProgram(
            "pf3",
            (int)Pages,
            Pages,
            context => Faults(context, call => call with { Source = MappingSource.File, FileId = context.Task, Shared = true })),
        new RateProgram("mmap1", Repeats, UntouchedPages, context => Repeat(
            context.Script.Map(Region(context.Task, UntouchedPages), UntouchedPages),
            context.Script.Unmap(Region(context.Task, UntouchedPages), UntouchedPages))),
        new RateProgram("mmap2", Repeats, 1, context => Repeat(
            context.Script.Map(Region(context.Task, 1), 1),
            ThreadScript.Store(Region(context.Task, 1)),
            context.Script.Unmap(Region(context.Task, 1), 1))),
        new RateProgram("dontneed1", Repeats, 0, context => Repeat(
            ThreadScript.Store(Page(context)), context.Script.Advise(Page(context), 1, Advice.DontNeed))),
        new RateProgram("mprot1", Repeats, 0, context => Repeat(
            context.Script.Protect(Page(context), 1, Protection.Read),
            context.Script.Protect(Page(context), 1, Protection.Read | Protection.Write),
            ThreadScript.Store(Page(context)))),
    ];

    /// <summary>Where a task's own pages begin.</summary>
    public static ulong Own(int task) => ProgramMemory.Base + ((ulong)(task * OwnPages) * ProgramMemory.PageBytes);

    private static ulong Page(RateContext context) => Own(context.Task) + ProgramMemory.PageBytes;

    /// <summary>Where a task maps: one below the other, as Linux places mappings.</summary>
    private static ulong Region(int task, ulong pages) => ProgramMemory.Mapping(pages, task);

    private static IEnumerable<ulong> Faults(RateContext context, Func<SystemCall, SystemCall> kind)
    {
        ulong start = Region(context.Task, Pages);
        return
        [
            context.Script.Call(kind(ThreadScript.Mapping(start, Pages))),
            .. ProgramMemory.Touch(start, (long)Pages),
            context.Script.Unmap(start, Pages),
        ];
    }

    private static IEnumerable<ulong> Repeat(params ulong[] operations) => Enumerable.Repeat(operations, Repeats).SelectMany(each => each);
}
