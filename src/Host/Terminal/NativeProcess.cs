using System.Runtime.InteropServices;

namespace VmSim.Host.Terminal;

/// <summary>Calls of the C library about this process's standard streams and its end.</summary>
internal static partial class NativeProcess
{
    private const int Interrupted = 4;
    private const int TryAgain = 11;
    private const int GetFlags = 1;
    private const int CloseOnExec = 1;
    private const short WritableEvent = 4;
    private const int OpenFilesLimit = 7;

    /// <summary>errno of a write to a pipe that nobody reads any more.</summary>
    public const int BrokenPipe = 32;

    /// <summary>errno of a write to what is not open.</summary>
    public const int BadDescriptor = 9;

    /// <summary>Finds the calls while descriptors are left to find them with.</summary>
    public static void Prepare()
    {
        _ = Write(2, []);
        Marshal.Prelink(typeof(NativeProcess).GetMethod(nameof(Exit))!);
    }

    /// <summary>
    /// Whether a standard stream came with the process. A number that was closed then is taken by the first file that the runtime opens,
    /// and that one is closed when another program is executed; what came with the process is not.
    /// </summary>
    public static bool IsOurs(int descriptor)
    {
        int flags = Control(descriptor, GetFlags);
        return flags >= 0 && (flags & CloseOnExec) == 0;
    }

    /// <summary>Writes bytes to a standard stream.</summary>
    /// <returns>0, or what went wrong, as errno.</returns>
    public static int Write(int descriptor, ReadOnlySpan<byte> bytes)
    {
        if (!IsOurs(descriptor))
        {
            return BadDescriptor;
        }

        while (!bytes.IsEmpty)
        {
            nint written = WriteSome(descriptor, bytes, bytes.Length);
            if (written >= 0)
            {
                bytes = bytes[(int)written..];
                continue;
            }

            int error = Marshal.GetLastPInvokeError();
            if (error == TryAgain)
            {
                Poll wait = new() { Descriptor = descriptor, Events = WritableEvent };
                _ = WaitFor(ref wait, 1, -1);
            }
            else if (error != Interrupted)
            {
                return error;
            }
        }

        return 0;
    }

    /// <summary>How many files this process may have open (RLIMIT_NOFILE).</summary>
    public static ulong OpenFiles() => GetLimit(OpenFilesLimit, out Limit limit) == 0 ? limit.Now : ulong.MaxValue;

    /// <summary>Ends the process at once: nothing else of it runs.</summary>
    [LibraryImport("libc", EntryPoint = "_exit")]
    public static partial void Exit(int code);

    /// <summary>SIGINT, whose number is the same on every machine that Linux and .NET run on.</summary>
    public const int Interrupt = 2;

    /// <summary>Sends a process a signal.</summary>
    /// <param name="process">Its number.</param>
    /// <param name="signal">The signal's number.</param>
    /// <returns>0 unless there is no such process, or it is another's.</returns>
    [LibraryImport("libc", EntryPoint = "kill")]
    public static partial int Signal(int process, int signal);

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(int descriptor, int command);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint WriteSome(int descriptor, ReadOnlySpan<byte> bytes, nint count);

    [LibraryImport("libc", EntryPoint = "poll")]
    private static partial int WaitFor(ref Poll descriptors, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int GetLimit(int what, out Limit limit);

    /// <summary>struct rlimit of getrlimit(2).</summary>
    private struct Limit
    {
        public ulong Now;
        public ulong Most;
    }

    /// <summary>struct pollfd of poll(2).</summary>
    private struct Poll
    {
        public int Descriptor;
        public short Events;
        public short Happened;
    }
}
