using System.Globalization;
using VmSim.Core.Addresses;
using VmSim.Core.Programs;

namespace VmSim.Core.Workloads.Synthetic;

/// <summary>What a step of a <see cref="ScriptProgram"/> does, by the word that stands for it in lower case.</summary>
public enum ScriptVerb : byte
{
    /// <summary>A load from a page.</summary>
    Load,

    /// <summary>A store to a page.</summary>
    Store,

    /// <summary>munmap.</summary>
    Munmap,

    /// <summary>mprotect to reading alone.</summary>
    Mprotect,

    /// <summary>MADV_DONTNEED.</summary>
    Dontneed,

    /// <summary>mmap of new memory over what is there.</summary>
    Map,

    /// <summary>mprotect to reading and writing.</summary>
    Unprotect,

    /// <summary>mremap to a place of the same length behind all pages.</summary>
    Move,

    /// <summary>MADV_PAGEOUT.</summary>
    Pageout,

    /// <summary>MADV_COLD.</summary>
    Cold,

    /// <summary>MADV_COLLAPSE of the 2 MiB that begin at page 0, whatever pages it names.</summary>
    Collapse,

    /// <summary>Computing for a number of cycles.</summary>
    Pause,

    /// <summary>Sleeping for a number of cycles, so that the core idles.</summary>
    Sleep,
}

/// <summary>One step of a thread: what it does, on which page or for how long, and on how many pages.</summary>
/// <param name="Verb">What it does.</param>
/// <param name="Argument">The first page, or cycles.</param>
/// <param name="Pages">How many pages; 1 for accesses, 0 for steps that have none.</param>
public readonly record struct ScriptStep(ScriptVerb Verb, long Argument, int Pages)
{
    /// <summary>The longest pause.</summary>
    private const long CyclesMax = 1_000_000_000_000;

    /// <summary>Whether it is a system call.</summary>
    public bool IsCall => Verb is ScriptVerb.Munmap or ScriptVerb.Mprotect or ScriptVerb.Dontneed or ScriptVerb.Map or ScriptVerb.Unprotect
        or ScriptVerb.Move or ScriptVerb.Pageout or ScriptVerb.Cold or ScriptVerb.Collapse;

    /// <summary>Whether it is an access.</summary>
    public bool IsAccess => Verb is ScriptVerb.Load or ScriptVerb.Store;

    /// <summary>Whether it works on a page.</summary>
    public bool Covers(int page) => Pages > 0 && page >= Argument && page < Argument + Pages;

    /// <summary>Whether it takes translations away or tightens them.</summary>
    public bool Kills => IsCall && Verb is not (ScriptVerb.Unprotect or ScriptVerb.Cold);

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Verb.ToString().ToLowerInvariant()} {Argument}{(Pages > 1 ? "-" : "")}{(Pages > 1 ? Last : "")}");

    /// <summary>The steps of threads as text: threads are parted by bars, steps by commas.</summary>
    public static string Format(IEnumerable<IReadOnlyList<ScriptStep>> threads) =>
        string.Join(" | ", threads.Select(steps => string.Join(", ", steps)));

    /// <summary>Reads the steps of threads.</summary>
    /// <param name="text">Such as "munmap 0-1, load 0 | store 1": threads are parted by bars, steps by commas.</param>
    /// <param name="pages">Pages that there are.</param>
    /// <exception cref="ArgumentException">It is no such text; the message says why.</exception>
    public static IReadOnlyList<IReadOnlyList<ScriptStep>> Parse(string text, long pages)
    {
        ArgumentNullException.ThrowIfNull(text);
        return [.. text.Split('|').Select(thread =>
            (IReadOnlyList<ScriptStep>)[.. thread.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                .Select(step => ParseOne(step, pages))])];
    }

    /// <summary>The step as the operation of a thread.</summary>
    /// <param name="thread">Takes the step.</param>
    /// <param name="start">Address of page 0.</param>
    /// <param name="pages">Pages that are mapped.</param>
    /// <param name="mapping">How memory is mapped, for steps that map it anew.</param>
    public void AddTo(ThreadBuilder thread, ulong start, long pages, SystemCall mapping)
    {
        ArgumentNullException.ThrowIfNull(thread);
        ArgumentNullException.ThrowIfNull(mapping);
        ulong at = start + ((ulong)Argument << PageSizes.BaseShift);
        switch (Verb)
        {
            case ScriptVerb.Load:
                thread.Load(at);
                break;
            case ScriptVerb.Store:
                thread.Store(at);
                break;
            case ScriptVerb.Munmap:
                thread.Unmap(at, Pages);
                break;
            case ScriptVerb.Mprotect:
                thread.Protect(at, Pages, Protection.Read);
                break;
            case ScriptVerb.Unprotect:
                thread.Protect(at, Pages, Protection.Read | Protection.Write);
                break;
            case ScriptVerb.Dontneed:
                thread.Advise(at, Pages, Advice.DontNeed);
                break;
            case ScriptVerb.Pageout:
                thread.Advise(at, Pages, Advice.PageOut);
                break;
            case ScriptVerb.Cold:
                thread.Advise(at, Pages, Advice.Cold);
                break;
            case ScriptVerb.Collapse:
                thread.Advise(start, (int)PageSize.Size2M.BasePages(), Advice.Collapse);
                break;
            case ScriptVerb.Map:
                thread.Call(mapping with
                {
                    Start = new VirtAddr(at),
                    Length = (ulong)Pages << PageSizes.BaseShift,
                    Offset = mapping.Offset + ((ulong)Argument << PageSizes.BaseShift),
                    Populate = false,
                });
                break;
            case ScriptVerb.Move:
                thread.Call(new SystemCall
                {
                    Kind = SystemCallKind.Remap,
                    Start = new VirtAddr(at),
                    Length = (ulong)Pages << PageSizes.BaseShift,
                    NewStart = new VirtAddr(at + ((ulong)pages << PageSizes.BaseShift)),
                    NewLength = (ulong)Pages << PageSizes.BaseShift,
                    RemapFlags = RemapFlags.MayMove | RemapFlags.Fixed,
                });
                break;
            case ScriptVerb.Pause:
                thread.Compute(Argument);
                break;
            default:
                thread.Control(ControlKind.Sleep, (ulong)Argument);
                break;
        }
    }

    private long Last => Argument + Pages - 1;

    private static ScriptStep ParseOne(string text, long pages)
    {
        string[] words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        bool isVerb = words.Length == 2 && Enum.TryParse(words[0], ignoreCase: true, out ScriptVerb verb)
            && verb.ToString().Equals(words[0], StringComparison.OrdinalIgnoreCase);
        if (!isVerb)
        {
            throw new ArgumentException(
                $"script: \"{text}\" found; a verb and a number are needed, as \"munmap 0-1\"; verbs are "
                    + string.Join(", ", Enum.GetNames<ScriptVerb>().Select(name => name.ToLowerInvariant())),
                nameof(text));
        }

        verb = Enum.Parse<ScriptVerb>(words[0], ignoreCase: true);
        bool isTime = verb is ScriptVerb.Pause or ScriptVerb.Sleep;
        string[] ends = words[1].Split('-');
        if (ends.Length <= 2 && Number(ends[0], out long first) && Number(ends[^1], out long last) && last >= first)
        {
            if (isTime && ends.Length == 1 && first is >= 1 and <= CyclesMax)
            {
                return new ScriptStep(verb, first, 0);
            }

            bool isOne = verb is ScriptVerb.Load or ScriptVerb.Store;
            if (!isTime && last < pages && (!isOne || first == last))
            {
                return new ScriptStep(verb, first, (int)(last - first) + 1);
            }
        }

        throw new ArgumentException(
            $"script: \"{text}\" found; " + (isTime ? $"1 to {CyclesMax} cycles are" : $"a page or range of pages from 0 to {pages - 1} is")
                + " allowed there",
            nameof(text));
    }

    private static bool Number(string text, out long number) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
