namespace VmSim.Core.Programs;

/// <summary>
/// A place in a program from which memory-management calls are made: the functions that were being called, as far as the tool that recorded
/// the program could tell.
/// </summary>
/// <param name="Frames">
/// The innermost first, each as <c>function source</c>, where the source is <c>file:line</c> or <c>module+offset</c> and may be missing.
/// </param>
public sealed record CallSite(IReadOnlyList<string> Frames)
{
    /// <summary>Most frames of a site.</summary>
    public const int FramesMax = 64;

    /// <summary>Most characters of a frame.</summary>
    public const int FrameLengthMax = 512;

    /// <summary>What stands between frames.</summary>
    public const char Separator = ';';

    /// <summary>The source of a function that the compiler has put into its caller, where nobody knows more.</summary>
    public const string Inlined = "(inlined)";

    /// <summary>glibc and musl, their loaders, and the libraries of GCC: how the names of their files begin.</summary>
    private static readonly string[] LibraryNames =
        ["ld-", "ld.so", "libc.", "libc-", "libpthread", "libstdc++", "libgcc_s", "rtld"];

    /// <summary>All frames, the innermost first.</summary>
    public string Text { get; } = string.Join(Separator, Frames);

    /// <summary>
    /// The frame that a reader looks for: the innermost one whose source line is known, or else that is known not to be in the C library,
    /// or else the innermost.
    /// </summary>
    public string Place =>
        Frames.FirstOrDefault(HasLine) ?? Frames.FirstOrDefault(IsOfProgram) ?? Frames.FirstOrDefault() ?? "";

    /// <summary>
    /// Whether a file is a C library, its loader or the run-time library of a compiler, by its name: what is called in them was called for
    /// somebody else.
    /// </summary>
    public static bool IsOfLibrary(string file)
    {
        ArgumentNullException.ThrowIfNull(file);
        return LibraryNames.Any(name => file.StartsWith(name, StringComparison.Ordinal));
    }

    /// <summary>A frame's function.</summary>
    public static string FunctionOf(string frame)
    {
        ArgumentNullException.ThrowIfNull(frame);
        int blank = frame.LastIndexOf(' ');
        return blank < 0 ? frame : frame[..blank];
    }

    /// <summary>The module in "function module+offset"; empty for a source line.</summary>
    private static string ModuleOf(string frame)
    {
        string source = frame[(frame.LastIndexOf(' ') + 1)..];
        int plus = source.LastIndexOf("+0x", StringComparison.Ordinal);
        return plus < 0 ? "" : source[..plus];
    }

    private static bool IsOfProgram(string frame) =>
        !IsOfLibrary(ModuleOf(frame)) && !frame.EndsWith(Inlined, StringComparison.Ordinal);

    private static bool HasLine(string frame)
    {
        int colon = frame.LastIndexOf(':');
        return colon > frame.LastIndexOf(' ') && colon < frame.Length - 1 && frame.AsSpan(colon + 1).IndexOfAnyExceptInRange('0', '9') < 0;
    }
}
