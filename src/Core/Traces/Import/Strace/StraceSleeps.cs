namespace VmSim.Core.Traces.Import.Strace;

/// <summary>
/// Tells in which calls a thread must have slept. How long a call took proves nothing, since strace itself stops the thread in it; nor does
/// a line that says unfinished. What the kernel answered does.
/// </summary>
/// <remarks>
/// A timeout that is not zero is slept to its end; a wait for a futex that answers 0 was queued and woken (futex_wait in
/// kernel/futex/waitsyscalls.c), and one that did not sleep answers EAGAIN. A read or an accept that has an answer may have had it at once.
/// </remarks>
internal static class StraceSleeps
{
    /// <summary>What a call waits for, and where its timeout stands.</summary>
    private static readonly Dictionary<string, (Kind Kind, int Timeout)> Calls = new(StringComparer.Ordinal)
    {
        ["nanosleep"] = (Kind.Time, 0),
        ["clock_nanosleep"] = (Kind.Time, 2),
        ["clock_nanosleep_time64"] = (Kind.Time, 2),
        ["pause"] = (Kind.Signal, -1),
        ["rt_sigsuspend"] = (Kind.Signal, -1),
        ["sigsuspend"] = (Kind.Signal, -1),
        ["poll"] = (Kind.Poll, 2),
        ["ppoll"] = (Kind.Poll, 2),
        ["ppoll_time64"] = (Kind.Poll, 2),
        ["select"] = (Kind.Poll, 4),
        ["_newselect"] = (Kind.Poll, 4),
        ["pselect6"] = (Kind.Poll, 4),
        ["pselect6_time64"] = (Kind.Poll, 4),
        ["epoll_wait"] = (Kind.Poll, 3),
        ["epoll_pwait"] = (Kind.Poll, 3),
        ["epoll_pwait2"] = (Kind.Poll, 3),
        ["futex"] = (Kind.Futex, -1),
        ["futex_time64"] = (Kind.Futex, -1),
        ["wait4"] = (Kind.Child, -1),
        ["waitpid"] = (Kind.Child, -1),
    };

    private enum Kind
    {
        Time,
        Signal,
        Poll,
        Futex,
        Child,
    }

    /// <summary>Whether a call of this name can be told to have slept.</summary>
    public static bool CanTell(string name) => Calls.ContainsKey(name);

    /// <summary>What ended the sleep of a call; null if it does not have to have slept.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="result">What it answered.</param>
    /// <param name="hasChildEnded">Whether the child whose number it answered ended while the call went on.</param>
    public static WakeCause? EndOf(string name, in StraceArguments arguments, in StraceResult result, bool hasChildEnded)
    {
        (Kind kind, int timeout) = Calls[name];
        if (timeout >= 0 && IsZero(arguments[timeout]))
        {
            return null;
        }

        bool isInterrupted = result.Outcome == StraceOutcome.Restarted || result.Error.SequenceEqual("EINTR"u8);
        if (isInterrupted)
        {
            return kind == Kind.Futex && !IsWait(arguments[1]) ? null : WakeCause.Unknown;
        }

        bool succeeded = result.Outcome == StraceOutcome.Succeeded;
        return kind switch
        {
            Kind.Time when succeeded => WakeCause.Outside,
            Kind.Poll when succeeded && result.Value == 0 => WakeCause.Outside,
            Kind.Futex when succeeded && IsWait(arguments[1]) => WakeCause.Unknown,
            Kind.Futex when IsWait(arguments[1]) && result.Error.SequenceEqual("ETIMEDOUT"u8) => WakeCause.Outside,
            Kind.Child when succeeded && hasChildEnded => WakeCause.Outside,
            _ => null,
        };
    }

    /// <summary>Whether a timeout is 0: it has digits, and no other than 0.</summary>
    private static bool IsZero(ReadOnlySpan<byte> timeout)
    {
        ReadOnlySpan<byte> digits = timeout.StartsWith("0x"u8) ? timeout[2..] : timeout;
        return digits.IndexOfAnyInRange((byte)'0', (byte)'9') >= 0 && digits.IndexOfAnyInRange((byte)'1', (byte)'9') < 0;
    }

    /// <summary>FUTEX_WAIT and its kin, by name or as a number (include/uapi/linux/futex.h).</summary>
    private static bool IsWait(ReadOnlySpan<byte> operation)
    {
        const ulong Command = 0x7F;
        return operation.IndexOf("FUTEX_WAIT"u8) >= 0
            || (StraceValues.TryNumber(operation, out ulong number) && (number & Command) is 0 or 9 or 11);
    }
}
