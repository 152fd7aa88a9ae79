using System.Buffers;
using System.Buffers.Text;

namespace VmSim.Core.Traces.Import.Strace;

/// <summary>What a call answered, from behind its closing parenthesis.</summary>
/// <remarks>
/// Forms (syscall_exiting_trace in strace's src/syscall.c): "= 0x7f00", "= 3&lt;/path&gt;", "= 4711&lt;name&gt;",
/// "= 12 /* 4711 in strace's PID NS */", "= -1 ENOMEM (Cannot allocate memory)", "= ? ERESTARTSYS (To be restarted ...)",
/// "= ? &lt;unavailable&gt;", each perhaps with an explanation such as "(Timeout)", with "(INJECTED)" or
/// "(DELAYED)", and with -T the time that it took in angle brackets. Nothing else may stand there.
/// </remarks>
internal readonly ref struct StraceResult
{
    private static readonly SearchValues<byte> ErrorCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_?"u8);

    private StraceResult(StraceOutcome outcome, ulong value, scoped in Tail tail, long nanoseconds)
    {
        Outcome = outcome;
        Value = outcome == StraceOutcome.Succeeded ? tail.OwnProcess ?? value : 0;
        Error = tail.Error;
        Nanoseconds = nanoseconds;
        HasRemark = tail.HasRemark;
    }

    /// <summary>How the call ended.</summary>
    public StraceOutcome Outcome { get; }

    /// <summary>What it returned; 0 unless it succeeded.</summary>
    public ulong Value { get; }

    /// <summary>The error's name, such as ENOMEM; empty if there is none.</summary>
    public ReadOnlySpan<byte> Error { get; }

    /// <summary>How long the call took (-T); 0 if the log does not say.</summary>
    public long Nanoseconds { get; }

    /// <summary>Whether the decoder of a call explained the answer, such as "(flags O_RDONLY)"; those of memory calls do not.</summary>
    public bool HasRemark { get; }

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
        bool isMissing = word.SequenceEqual("?"u8);
        ulong value = 0;
        if (!isMissing && !StraceValues.TryNumber(word, out value))
        {
            return false;
        }

        Tail tail = new Tail(isMissing, word[0] == (byte)'-');
        if (!tail.Take(length < 0 ? default : text[length..]))
        {
            return false;
        }

        bool hasFailed = word[0] == (byte)'-' || (!tail.Error.IsEmpty && !isMissing);
        StraceOutcome outcome = isMissing ? (tail.Error.IsEmpty ? StraceOutcome.Unknown : StraceOutcome.Restarted)
            : hasFailed ? StraceOutcome.Failed
            : tail.IsInjected ? StraceOutcome.Injected
            : StraceOutcome.Succeeded;
        result = new StraceResult(outcome, value, tail, nanoseconds);
        return true;
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

    /// <summary>What stands behind the number that a call returned.</summary>
    private ref struct Tail(bool isMissing, bool isNegative)
    {
        private bool _hasErrorText;

        /// <summary>The error's name; "errno 530" for one that strace has no name for; empty for none.</summary>
        public ReadOnlySpan<byte> Error { get; private set; }

        /// <summary>Whether strace itself answered.</summary>
        public bool IsInjected { get; private set; }

        /// <summary>Whether a decoder explained the answer.</summary>
        public bool HasRemark { get; private set; }

        /// <summary>The id outside of the namespace (--pidns-translation), with which lines begin.</summary>
        public ulong? OwnProcess { get; private set; }

        /// <summary>Takes all of it.</summary>
        /// <returns>False if something is there that strace does not print.</returns>
        public bool Take(ReadOnlySpan<byte> rest)
        {
            if (rest.StartsWith("<"u8))
            {
                // a descriptor's path, or the name of a process
                int end = StraceSyntax.EndOfAnnotation(rest, 0);
                rest = end < 0 ? rest : rest[end..];
                rest = rest.StartsWith("(deleted)"u8) ? rest["(deleted)"u8.Length..] : rest;
            }

            while (!rest.IsEmpty)
            {
                int blanks = rest.IndexOfAnyExcept((byte)' ');
                int length = blanks > 0 ? Part(rest[blanks..]) : 0;
                if (length <= 0)
                {
                    return blanks < 0;
                }

                rest = rest[(blanks + length)..];
            }

            return Error.IsEmpty || _hasErrorText;
        }

        /// <summary>Takes the next part.</summary>
        /// <returns>Its length; 0 for what strace does not print.</returns>
        private int Part(ReadOnlySpan<byte> text)
        {
            switch (text[0])
            {
                case (byte)'(':
                    int end = StraceSyntax.EndOfGroup(text, 0);
                    return end > 0 && TakeGroup(text[..end]) ? end : 0;
                case (byte)'E' when Error.IsEmpty:
                    int length = text.IndexOf((byte)' ');
                    Error = length < 0 ? text : text[..length];
                    return length > 1 && !Error.ContainsAnyExcept(ErrorCharacters) ? length : 0;
                case (byte)'/':
                    int close = text.IndexOf("*/"u8) + 2;
                    if (close > 1 && text[..close].IndexOf(" in strace's PID NS"u8) > 0
                        && Utf8Parser.TryParse(text["/* "u8.Length..], out ulong outer, out _))
                    {
                        OwnProcess = outer;
                    }

                    return text.StartsWith("/* "u8) ? close : 0;
                case (byte)'[':
                    // a file's or a process's security context (--secontext)
                    return text.IndexOf((byte)']') + 1;
                default:
                    return isMissing && text.SequenceEqual("<unavailable>"u8) ? text.Length : 0;
            }
        }

        private bool TakeGroup(ReadOnlySpan<byte> group)
        {
            if (group.SequenceEqual("(INJECTED)"u8) || group.SequenceEqual("(INJECTED: args, retval)"u8))
            {
                IsInjected = true;
                return true;
            }

            if (group.SequenceEqual("(INJECTED: args)"u8) || group.SequenceEqual("(DELAYED)"u8))
            {
                return true;
            }

            if (!Error.IsEmpty && !_hasErrorText)
            {
                _hasErrorText = true;
                return true;
            }

            if (Error.IsEmpty && isNegative && group.StartsWith("(errno "u8))
            {
                Error = group[1..^1];
                _hasErrorText = true;
                return true;
            }

            bool isFirst = !HasRemark;
            HasRemark = true;
            return isFirst;
        }
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
