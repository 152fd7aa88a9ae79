namespace VmSim.Core.Traces;

/// <summary>What fields a record of each kind may have, for forms in which syntax does not already say so.</summary>
public static class VmtRules
{
    /// <summary>
    /// The longest sleep in nanoseconds, 6.5 days: at the fastest clock of a machine (100 GHz) its cycles are an operation's argument.
    /// </summary>
    public const ulong MaxSleep = 1UL << 49;

    /// <summary>The longest name of a call that a thread slept in.</summary>
    private const int MaxCallName = 64;

    private static readonly System.Buffers.SearchValues<char> NameCharacters = System.Buffers.SearchValues.Create(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

    /// <summary>Whether a record other than an access is legal.</summary>
    public static bool IsLegal(in VmtRecord r, bool hasText) => r.Kind switch
    {
        VmtKind.Comment => hasText,
        VmtKind.File => hasText && r.FileId >= 0,
        VmtKind.InitialMap or VmtKind.Map or VmtKind.Unmap => IsRange(r.Start, r.Bytes),
        VmtKind.Protect or VmtKind.Advise => r.Bytes == 0 || IsRange(r.Start, r.Bytes),
        VmtKind.Remap => (r.Bytes == 0 || IsRange(r.Start, r.Bytes)) && IsRange(r.NewStart, r.NewBytes),
        VmtKind.Call => r.HasKnownCall && (r.Bytes == 0 || IsRange(r.Start, r.Bytes)),
        VmtKind.KernelLoad or VmtKind.KernelStore => IsRange(r.Start, r.Bytes) && r.Bytes <= VmtTextReader.MaxKernelBytes,
        VmtKind.Thread or VmtKind.Exit => r.Number <= int.MaxValue,
        VmtKind.Sleep => hasText && r.Nanoseconds <= MaxSleep && (r.WakeCause != WakeCause.Thread || r.Waker <= int.MaxValue),
        VmtKind.Clone or VmtKind.Fork or VmtKind.Exec or VmtKind.Break => true,
        _ => false,
    };

    /// <summary>
    /// Whether the text of a record may be its text. Each form of a trace becomes the other, so it stays within a line of text, and a
    /// comment is none of another kind.
    /// </summary>
    public static bool IsLegalText(in VmtRecord r)
    {
        string text = r.Text ?? "";
        bool isOfItsLine = !text.Contains('\n', StringComparison.Ordinal)
            && (r.Kind != VmtKind.Comment || text.StartsWith('#'))
            && (r.Kind != VmtKind.File || text.Length > 0)
            && (r.Kind != VmtKind.Sleep || IsCallName(text));
        return isOfItsLine && (!r.HasTail || VmtTail.TryParse(
            r.Text, mayHaveRanges: r.Kind == VmtKind.Call && r.Call == VmtCall.AdviseRanges, out _, out _));
    }

    /// <summary>Whether a text may be the name of a call that a thread slept in: letters, digits and underscores.</summary>
    public static bool IsCallName(ReadOnlySpan<char> text) =>
        text.Length is > 0 and <= MaxCallName && !text.ContainsAnyExcept(NameCharacters);

    /// <summary>Whether a range is not empty, does not pass the end of the address space, and can be rounded up to pages.</summary>
    public static bool IsRange(ulong start, ulong length) =>
        length != 0 && start + (length - 1) >= start && length <= ulong.MaxValue - 4095;
}
