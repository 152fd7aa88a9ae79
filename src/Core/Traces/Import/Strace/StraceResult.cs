using System.Buffers.Text;

namespace VmSim.Core.Traces.Import.Strace;

/// <summary>What a call answered, from behind its closing parenthesis.</summary>
/// <remarks>
/// Forms (syscall_exiting_trace in strace's src/syscall.c): "= 0x7f00", "= 3&lt;/path&gt;", "= 4711&lt;name&gt;",
/// "= 12 /* 4711 in strace's PID NS */", "= -1 ENOMEM (Cannot allocate memory)", "= ? ERESTARTSYS (To be restarted ...)",
/// "= ? &lt;unavailable&gt;", each perhaps with "(INJECTED)" or "(DELAYED)" and, with -T, the time that it took in angle brackets.
/// </remarks>
internal readonly ref struct StraceResult
{
    private StraceResult(StraceOutcome outcome, ulong value, ReadOnlySpan<byte> error, long nanoseconds)
    {
        Outcome = outcome;
        Value = value;
        Error = error;
        Nanoseconds = nanoseconds;
    }

    /// <summary>How the call ended.</summary>
    public StraceOutcome Outcome { get; }

    /// <summary>What it returned; 0 unless it succeeded.</summary>
    public ulong Value { get; }

    /// <summary>The error's name, such as ENOMEM; empty if there is none.</summary>
    public ReadOnlySpan<byte> Error { get; }

    /// <summary>How long the call took (-T); 0 if the log does not say.</summary>
    public long Nanoseconds { get; }

    /// <summary>Reads an answer.</summary>
    /// <param name="text">What follows the closing parenthesis.</param>
    /// <param name="result">The answer.</param>
    /// <returns>False if it is none, or cut off.</returns>
    public static bool TryParse(ReadOnlySpan<byte> text, out StraceResult result)
    {
        result = default;
        text = text.Trim((byte)' ');
        if (!text.StartsWith("= "u8))
        {
            return false;
        }

        text = WithoutDuration(text[2..].Trim((byte)' '), out long nanoseconds);
        int length = text.IndexOfAny(" <"u8);
        ReadOnlySpan<byte> word = length < 0 ? text : text[..length];
        ReadOnlySpan<byte> rest = length < 0 ? default : text[length..];
        bool isMissing = word.SequenceEqual("?"u8);
        ulong value = 0;
        if (!isMissing && !StraceValues.TryNumber(word, out value))
        {
            return false;
        }

        ReadOnlySpan<byte> error = ErrorOf(rest);
        bool isInjected = rest.IndexOf("(INJECTED)"u8) >= 0 || rest.IndexOf("(INJECTED: args, retval)"u8) >= 0;
        bool hasFailed = word[0] == (byte)'-' || (!error.IsEmpty && !isMissing);
        StraceOutcome outcome = isMissing ? (error.IsEmpty ? StraceOutcome.Unknown : StraceOutcome.Restarted)
            : hasFailed ? StraceOutcome.Failed
            : isInjected ? StraceOutcome.Injected
            : StraceOutcome.Succeeded;
        result = new StraceResult(outcome, outcome == StraceOutcome.Succeeded ? OwnProcess(value, rest) : 0, error, nanoseconds);
        return true;
    }

    /// <summary>A name such as ENOMEM; after -1 or ? alone.</summary>
    private static ReadOnlySpan<byte> ErrorOf(ReadOnlySpan<byte> rest)
    {
        rest = rest.TrimStart((byte)' ');
        int length = 0;
        while (length < rest.Length && (char.IsAsciiLetterUpper((char)rest[length]) || char.IsAsciiDigit((char)rest[length])
            || rest[length] == (byte)'_'))
        {
            length++;
        }

        return length > 1 && rest[0] == (byte)'E' ? rest[..length] : default;
    }

    /// <summary>The id outside of the namespace (--pidns-translation), with which lines begin.</summary>
    private static ulong OwnProcess(ulong value, ReadOnlySpan<byte> rest)
    {
        int open = rest.IndexOf("/* "u8);
        return open >= 0 && rest[open..].IndexOf(" in strace's PID NS"u8) > 0
            && Utf8Parser.TryParse(rest[(open + 3)..], out ulong outer, out _)
                ? outer
                : value;
    }

    /// <summary>Takes "&lt;0.000020&gt;" off the end.</summary>
    private static ReadOnlySpan<byte> WithoutDuration(ReadOnlySpan<byte> text, out long nanoseconds)
    {
        nanoseconds = 0;
        int open = text.LastIndexOf((byte)'<');
        if (open < 0 || text[^1] != (byte)'>' || open + 2 > text.Length - 1)
        {
            return text;
        }

        if (open == 0 || text[open - 1] != (byte)' ' || !Utf8Parser.TryParse(text[(open + 1)..^1], out decimal seconds, out int length)
            || length != text.Length - open - 2 || seconds is < 0 or > 1_000_000_000)
        {
            return text;
        }

        nanoseconds = (long)(seconds * 1_000_000_000);
        return text[..open].TrimEnd((byte)' ');
    }
}

/// <summary>How a call ended.</summary>
internal enum StraceOutcome
{
    /// <summary>The log does not say: the process ended in the call, or strace could not see.</summary>
    Unknown,

    /// <summary>It succeeded.</summary>
    Succeeded,

    /// <summary>It failed.</summary>
    Failed,

    /// <summary>A signal came first; the kernel calls it again.</summary>
    Restarted,

    /// <summary>strace itself answered (-e inject), and the kernel did nothing.</summary>
    Injected,
}
