using VmSim.Core.Addresses;
using VmSim.Core.Programs;
using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Core.Validation;

/// <summary>Loops of calls that invalidate translations. Each is one operation on so many pages.</summary>
internal static class ShootdownPrograms
{
    private const string Map = "mmap";
    private const string Touch = "touch";
    private const string Unmap = "munmap";

    /// <summary>Cycles that a parent sleeps at least for a child that ends.</summary>
    private const long WaitCycles = 1_000;

    /// <summary>All of them.</summary>
    public static IReadOnlyList<MeasuredProgram> All { get; } =
    [
        Mapping("mmu", touches: true, call => call),
        Mapping("map0", touches: false, call => call),
        Mapping("shrd", touches: true, call => call with { Shared = true }),
        new LoopProgram("munmap-mid", "munmap-mid", Map, Touch, Unmap)
        {
            Loop = context => Repeat(
                [context.Script.Call(ThreadScript.Mapping(ProgramMemory.Buffer, context.Pages) with { MappingFlags = MappingFlags.Fixed })],
                ProgramMemory.Touch(ProgramMemory.Buffer, (long)context.Pages),
                [context.Script.Unmap(ProgramMemory.Buffer, context.Pages)]),
        },
        Protect("mprot", touches: true),
        Protect("mprot-nt", touches: false),
        Advise("dontneed", Advice.DontNeed),
        Advise("free", Advice.Free),
        new LoopProgram("mremap", "mremap", "mremap", MeasuredProgram.Unnamed, Touch) { Prepare = TouchBuffer, Loop = Remap },
        new LoopProgram("brk", "brk", "grow", Touch, "shrink")
        {
            Loop = context => Repeat(
                [Break(context, context.Pages)],
                ProgramMemory.Touch(ProgramMemory.Break, (long)context.Pages),
                [Break(context, 0)]),
        },
        new LoopProgram("cow", "cow", "fork", "write", "kill-wait") { Prepare = TouchBuffer, Forks = true, Loop = ForkWrite },
        new LoopProgram("cowdead", "cowdead", "fork-wait", "write", MeasuredProgram.Unnamed)
        {
            Prepare = TouchBuffer,
            Forks = true,
            Loop = ForkExitWrite,
        },
        new LoopProgram("call", "call", "call")
        {
            Loop = context => Repeat([.. Enumerable.Repeat(context.Script.Call(ThreadScript.NoMapping), (int)context.Pages)]),
        },
    ];

    private static LoopProgram Mapping(string name, bool touches, Func<SystemCall, SystemCall> kind) => new(name, name, Map, Touch, Unmap)
    {
        Loop = context =>
        {
            ulong start = ProgramMemory.Mapping(context.Pages);
            return Repeat(
                [context.Script.Call(kind(ThreadScript.Mapping(start, context.Pages)))],
                touches ? ProgramMemory.Touch(start, (long)context.Pages) : [],
                [context.Script.Unmap(start, context.Pages)]);
        },
    };

    private static LoopProgram Protect(string name, bool touches) => new(name, name, "protect-read", "protect-write", Touch)
    {
        Prepare = TouchBuffer,
        Loop = context => Repeat(
            [context.Script.Protect(ProgramMemory.Buffer, context.Pages, Protection.Read)],
            [context.Script.Protect(ProgramMemory.Buffer, context.Pages, Protection.Read | Protection.Write)],
            touches ? TouchBuffer(context) : []),
    };

    private static LoopProgram Advise(string name, Advice advice) => new(name, name, MeasuredProgram.Unnamed, Touch, "madvise")
    {
        Loop = context => Repeat([], TouchBuffer(context), [context.Script.Advise(ProgramMemory.Buffer, context.Pages, advice)]),
    };

    private static Func<int, IReadOnlyList<IEnumerable<ulong>>> Remap(LoopContext context)
    {
        ulong there = Move(context, ProgramMemory.Buffer, ProgramMemory.Other);
        ulong back = Move(context, ProgramMemory.Other, ProgramMemory.Buffer);
        return operation => operation % 2 == 0
            ? [[there], [], ProgramMemory.Touch(ProgramMemory.Other, (long)context.Pages)]
            : [[back], [], TouchBuffer(context)];
    }

    /// <summary>The child lives until the writes are done; then it is killed and waited for.</summary>
    private static Func<int, IReadOnlyList<IEnumerable<ulong>>> ForkWrite(LoopContext context) => operation =>
    [
        [ThreadScript.Control(ControlKind.Fork, operation), .. ProgramMemory.Touch(ProgramMemory.Library, context.LibraryWrites)],
        TouchBuffer(context),
        [ThreadScript.Control(ControlKind.Sleep, WaitCycles), .. LibraryWriteAfter(context)],
    ];

    private static Func<int, IReadOnlyList<IEnumerable<ulong>>> ForkExitWrite(LoopContext context) => operation =>
    [
        [
            ThreadScript.Control(ControlKind.Fork, operation),
            .. ProgramMemory.Touch(ProgramMemory.Library, context.LibraryWrites),
            ThreadScript.Control(ControlKind.Sleep, WaitCycles),
            .. LibraryWriteAfter(context),
        ],
        TouchBuffer(context),
        [],
    ];

    /// <summary>One page of the C library is written first when the child is gone.</summary>
    private static IEnumerable<ulong> LibraryWriteAfter(LoopContext context) =>
        ProgramMemory.Touch(ProgramMemory.Library + ((ulong)context.LibraryWrites * ProgramMemory.PageBytes), 1);

    private static IEnumerable<ulong> TouchBuffer(LoopContext context) =>
        ProgramMemory.Touch(ProgramMemory.Buffer, (long)context.Pages);

    private static Func<int, IReadOnlyList<IEnumerable<ulong>>> Repeat(params IReadOnlyList<IEnumerable<ulong>> phases) => _ => phases;

    private static ulong Break(LoopContext context, ulong pages) => context.Script.Call(new SystemCall
    {
        Kind = SystemCallKind.SetBreak,
        Start = new VirtAddr(ProgramMemory.Break + (pages * ProgramMemory.PageBytes)),
    });

    private static ulong Move(LoopContext context, ulong from, ulong to) => context.Script.Call(new SystemCall
    {
        Kind = SystemCallKind.Remap,
        Start = new VirtAddr(from),
        Length = context.Pages * ProgramMemory.PageBytes,
        NewStart = new VirtAddr(to),
        NewLength = context.Pages * ProgramMemory.PageBytes,
        RemapFlags = RemapFlags.MayMove | RemapFlags.Fixed,
    });
}
