using System.Buffers.Text;

namespace VmSim.Core.Traces.Import.Strace;

/// <summary>How a clone's child stands to the thread that made it.</summary>
internal enum StraceChild
{
    /// <summary>The log does not say.</summary>
    Unknown,

    /// <summary>A thread of the same process.</summary>
    Thread,

    /// <summary>A process with a copy of the memory.</summary>
    Process,

    /// <summary>A process that uses the memory until it executes a program, while its maker waits (vfork).</summary>
    Guest,

    /// <summary>A process that shares the memory for good.</summary>
    Borrower,
}

/// <summary>Reads what a clone call makes.</summary>
internal static class StraceClone
{
    private const ulong CloneMemory = 0x100;
    private const ulong CloneWait = 0x4000;
    private const ulong CloneThread = 0x10000;

    /// <summary>What a call makes.</summary>
    /// <param name="name">The call.</param>
    /// <param name="text">Its text from the name on, perhaps without its end.</param>
    public static StraceChild KindOf(StraceName name, ReadOnlySpan<byte> text)
    {
        if (name.Call is StraceCall.Fork or StraceCall.VFork)
        {
            return name.Call == StraceCall.Fork ? StraceChild.Process : StraceChild.Guest;
        }

        int open = text.IndexOf((byte)'(');
        int at = text.IndexOf("flags="u8);
        ulong flags;
        if (at >= 0)
        {
            text = text[(at + "flags="u8.Length)..];
            int end = text.IndexOfAny(",})"u8);
            flags = StraceValues.Flags(end < 0 ? text : text[..end]).Value;
        }
        else if (open >= 0 && name.Call == StraceCall.Clone && text[(open + 1)..].StartsWith("0x"u8)
            && Utf8Parser.TryParse(text[(open + 3)..], out flags, out _, 'x'))
        {
            // -e raw prints registers; flags come first on all machines but s390
        }
        else
        {
            return StraceChild.Unknown;
        }

        return (flags & CloneThread) != 0 ? StraceChild.Thread
            : (flags & CloneMemory) == 0 ? StraceChild.Process
            : (flags & CloneWait) != 0 ? StraceChild.Guest
            : StraceChild.Borrower;
    }
}
