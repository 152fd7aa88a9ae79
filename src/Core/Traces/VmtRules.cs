using System.Globalization;
using System.Numerics;
using VmSim.Core.Programs;

namespace VmSim.Core.Traces;

/// <summary>What fields a record of each kind may have, for forms in which syntax does not already say so.</summary>
public static class VmtRules
{
    /// <summary>
    /// The longest sleep in nanoseconds, 6.5 days: at the fastest clock of a machine (100 GHz) its cycles are an operation's argument.
    /// </summary>
    public const ulong MaxSleep = 1UL << 49;

    /// <summary>
    /// What a record of a sleep names in place of a call when the thread only had no core: another thread had it, a lock of the kernel was
    /// to be waited for, or the thread had just been made.
    /// </summary>
    public const string OffCore = "off_core";

    /// <summary>The most sets of a filter through which traces are recorded.</summary>
    private const int FilterSetsMax = 4096;

    /// <summary>The longest name of a call that a thread slept in.</summary>
    private const int MaxCallName = 64;

    private static readonly System.Buffers.SearchValues<char> NameCharacters = System.Buffers.SearchValues.Create(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

    /// <summary>The numbers that text has in decimal have at most 19 digits.</summary>
    private const ulong DecimalEnd = 10_000_000_000_000_000_000;

    /// <summary>Whether a record other than an access is legal.</summary>
    public static bool IsLegal(in VmtRecord r, bool hasText) => r.Kind switch
    {
        VmtKind.Comment => hasText,
        VmtKind.File => hasText && r.FileId >= 0,
        VmtKind.InitialMap or VmtKind.Map => IsRange(r.Start, r.Bytes) && r.Rights < DecimalEnd,
        VmtKind.Unmap => IsRange(r.Start, r.Bytes),
        VmtKind.Protect => IsPerhapsEmpty(r.Start, r.Bytes) && r.Rights < DecimalEnd,
        VmtKind.Advise => IsPerhapsEmpty(r.Start, r.Bytes) && r.Advice < DecimalEnd,
        VmtKind.Remap => IsPerhapsEmpty(r.Start, r.Bytes) && IsRange(r.NewStart, r.NewBytes),
        VmtKind.Call => r.HasKnownCall && IsPerhapsEmpty(r.Start, r.Bytes) && (!VmtCalls.FormOf(r.Call).HasAdvice || r.Advice < DecimalEnd),
        VmtKind.KernelLoad or VmtKind.KernelStore => IsRange(r.Start, r.Bytes) && r.Bytes <= VmtTextReader.MaxKernelBytes,
        VmtKind.Thread or VmtKind.Exit => r.Number <= int.MaxValue,
        VmtKind.Sleep => hasText && r.Nanoseconds <= MaxSleep && (r.WakeCause != WakeCause.Thread || r.Waker <= int.MaxValue),
        VmtKind.Site => hasText && r.Number <= int.MaxValue,
        VmtKind.CalledFrom => r.Number <= int.MaxValue,
        VmtKind.Fork => r.Number < DecimalEnd,
        VmtKind.Clone or VmtKind.Exec or VmtKind.Break => true,
        _ => false,
    };

    /// <summary>
    /// Whether the text of a record may be its text. Each form of a trace becomes the other, so it stays as it is at the end of a line of
    /// text, and a comment is none of another kind and no header of another format.
    /// </summary>
    public static bool IsLegalText(in VmtRecord r)
    {
        string text = r.Text ?? "";
        bool isOfItsLine = text.Length > 0 && text[0] != ' ' && text[^1] != '\r' && !text.Contains('\n', StringComparison.Ordinal);
        return isOfItsLine
            && (r.Kind != VmtKind.Comment || (text[0] == '#' && HeaderNeeds(text) is null))
            && (r.Kind != VmtKind.Sleep || (IsCallName(text) && (text != OffCore || r.WakeCause == WakeCause.Outside)))
            && (r.Kind != VmtKind.Site || AreFrames(text))
            && (!r.HasTail || VmtTail.TryParse(
                r.Text, mayHaveRanges: r.Kind == VmtKind.Call && r.Call == VmtCall.AdviseRanges, out _, out _));
    }

    /// <summary>What a comment that is a header should be; null if it is none, or one of this format.</summary>
    /// <param name="comment">The line.</param>
    internal static string? HeaderNeeds(string comment)
    {
        string[] words = comment.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words is not ["#", "vmt", _, ..])
        {
            return null;
        }

        // A program may have this name too, and it stands before.
        int pageSize = Array.LastIndexOf(words, "pagesize");
        return words[2] != "1" ? "version 1 of the format: # vmt 1 NAME pagesize 4096 ..."
            : pageSize >= 0 && words.ElementAtOrDefault(pageSize + 1) != "4096" ? "pagesize 4096"
            : null;
    }

    /// <summary>Sets of the filter that a header names (sets=S); 1 if it is no header, or names none that is a power of two.</summary>
    /// <param name="comment">The line.</param>
    internal static int FilterSets(string comment)
    {
        const string Sets = "sets=";
        string[] words = comment.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        int filter = words is ["#", "vmt", ..] ? Array.LastIndexOf(words, "filter") : -1;
        string? found = filter < 0 ? null : Array.Find(words[filter..], word => word.StartsWith(Sets, StringComparison.Ordinal));
        bool isNumber = int.TryParse(found?[Sets.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out int sets);
        return isNumber && sets is > 0 and <= FilterSetsMax && BitOperations.IsPow2(sets) ? sets : 1;
    }

    /// <summary>Whether a text may be the name of a call that a thread slept in: letters, digits and underscores.</summary>
    public static bool IsCallName(ReadOnlySpan<char> text) =>
        text.Length is > 0 and <= MaxCallName && !text.ContainsAnyExcept(NameCharacters);

    /// <summary>Whether a text is the frames of a call site: some, each of at least one character, and not too many nor too long.</summary>
    public static bool AreFrames(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] frames = text.Split(CallSite.Separator, CallSite.FramesMax + 1);
        return frames.Length <= CallSite.FramesMax
            && frames.All(frame => frame.Length is > 0 and <= CallSite.FrameLengthMax && frame[0] != ' ' && frame[^1] != ' ');
    }

    /// <summary>Whether a range is not empty, does not pass the end of the address space, and can be rounded up to pages.</summary>
    public static bool IsRange(ulong start, ulong length) =>
        length != 0 && start + (length - 1) >= start && length <= ulong.MaxValue - 4095;

    /// <summary>As <see cref="IsRange"/>, for calls to which a length of 0 is nothing to do.</summary>
    private static bool IsPerhapsEmpty(ulong start, ulong length) => length == 0 || IsRange(start, length);
}
