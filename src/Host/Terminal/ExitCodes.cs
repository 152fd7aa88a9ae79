namespace VmSim.Host.Terminal;

/// <summary>
/// What the program's exit code says (64, 65, 70 and 71 as in BSD's sysexits.h; 128 and a signal's number as shells have it).
/// </summary>
public static class ExitCodes
{
    /// <summary>All went well.</summary>
    public const int Ok = 0;

    /// <summary>A rule or threshold was broken: a violation, a deadlock, a lost node.</summary>
    public const int Broken = 1;

    /// <summary>The command line is wrong (EX_USAGE).</summary>
    public const int Usage = 64;

    /// <summary>The input is wrong (EX_DATAERR).</summary>
    public const int BadInput = 65;

    /// <summary>A defect of the program (EX_SOFTWARE).</summary>
    public const int Internal = 70;

    /// <summary>The system lacks something: memory, descriptors, threads (EX_OSERR).</summary>
    public const int System = 71;

    /// <summary>Nobody reads the output any more: SIGPIPE.</summary>
    public const int ReaderGone = 141;
}
