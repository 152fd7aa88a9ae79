using System.Runtime.InteropServices;

namespace VmSim.Host.Terminal;

/// <summary>
/// What SIGINT, SIGTERM and SIGHUP do. The first one asks the command to end: a run ends with its window and reports. A command that has
/// not ended 2 s later, since it waits for something that does not come, is ended; one that is at work gets longer. The second signal ends
/// it at once. Whichever way it ends, nothing half-written stays behind, and the exit code is 128 and the signal's number.
/// </summary>
internal sealed class Interruption : IDisposable
{
    /// <summary>How long a command that only waits may go on.</summary>
    private const long PatienceMilliseconds = 2_000;

    /// <summary>How long one may go on whose nodes have still to say that they have stopped.</summary>
    private const long NodesMilliseconds = 10_000;

    /// <summary>How long one may go on that is at work: a busy machine takes its time over a window and a report.</summary>
    private const long WorkMilliseconds = 120_000;

    /// <summary>
    /// SIGXFSZ, whose number is the same on every machine that Linux and .NET run on: a file is longer than RLIMIT_FSIZE allows.
    /// </summary>
    private const PosixSignal FileTooLong = (PosixSignal)25;

    private static readonly CancellationTokenSource Asked = new();
    private static PosixSignalRegistration? s_fileTooLong;
    private static int s_working;
    private static int s_code;
    private static long s_patience = PatienceMilliseconds;
    private static Action s_removeLeftovers = () => { };
    private readonly List<PosixSignalRegistration> _registrations = [];

    private Interruption()
    {
    }

    /// <summary>Cancelled when the command is asked to end.</summary>
    public static CancellationToken Token => Asked.Token;

    /// <summary>Exit code of a command that was asked to end by a signal; 0 if none was.</summary>
    public static int ExitCode => Volatile.Read(ref s_code);

    /// <summary>
    /// Whether SIGINT and SIGHUP are another's to answer: a terminal sends them to children too, and the parent ends those.
    /// </summary>
    public static bool IsParents { get; set; }

    /// <summary>Begins to listen.</summary>
    /// <param name="removeLeftovers">Removes what is not complete.</param>
    public static Interruption Watch(Action removeLeftovers)
    {
        s_removeLeftovers = removeLeftovers;
        Interruption watch = new();
        watch.On(PosixSignal.SIGINT, 2);
        watch.On(PosixSignal.SIGTERM, 15);
        watch.On(PosixSignal.SIGHUP, 1);
        if (OperatingSystem.IsLinux())
        {
            // The write says that it has failed, as on a full disk; the signal would end the process in the middle of a file. It is
            // listened to until the process is gone: signals are told by a thread, which may be late, and one that finds nobody ends it.
            s_fileTooLong ??= PosixSignalRegistration.Create(FileTooLong, context => context.Cancel = true);
        }

        return watch;
    }

    /// <summary>From here until the scope is disposed the command is at work: it ends by itself, at a window's end.</summary>
    public static IDisposable Work()
    {
        Interlocked.Increment(ref s_working);
        return new WorkScope();
    }

    /// <summary>From here until the scope is disposed the command need not be asked: nothing of it is worth waiting for.</summary>
    public static IDisposable AtOnce()
    {
        Volatile.Write(ref s_patience, 0);
        return new PatienceScope();
    }

    /// <summary>From here until the scope is disposed the command has nodes that end by themselves, if they live.</summary>
    public static IDisposable Patiently()
    {
        Volatile.Write(ref s_patience, NodesMilliseconds);
        return new PatienceScope();
    }

    /// <summary>Asks the command to end, as a first signal does.</summary>
    /// <param name="code">Exit code if it does not end by itself.</param>
    public static void Ask(int code)
    {
        if (Interlocked.CompareExchange(ref s_code, code, 0) != 0)
        {
            End(ExitCode);
        }

        // The thread first: whoever is told of the end may take his time over it.
        new Thread(EndWhenPatienceIsOver) { IsBackground = true }.Start();
        Asked.Cancel();
    }

    /// <summary>Ends the process.</summary>
    public static void End(int code)
    {
        s_removeLeftovers();
        if (OperatingSystem.IsWindows())
        {
            Environment.Exit(code);
        }

        NativeProcess.Exit(code);
    }

    /// <inheritdoc/>
    public void Dispose() => _registrations.ForEach(registration => registration.Dispose());

    private void On(PosixSignal signal, int number) => _registrations.Add(PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        if (!IsParents || signal == PosixSignal.SIGTERM)
        {
            Ask(128 + number);
        }
    }));

    private static void EndWhenPatienceIsOver()
    {
        using ManualResetEventSlim never = new();
        const int Step = 20;
        long waited = 0;
        for (long worked = 0; worked < WorkMilliseconds; worked += Step)
        {
            bool isWorking = Volatile.Read(ref s_working) > 0;
            if (!isWorking && waited >= Volatile.Read(ref s_patience))
            {
                break;
            }

            never.Wait(Step);
            waited = isWorking ? 0 : waited + Step;
        }

        End(ExitCode);
    }

    private sealed class PatienceScope : IDisposable
    {
        public void Dispose() => Volatile.Write(ref s_patience, PatienceMilliseconds);
    }

    private sealed class WorkScope : IDisposable
    {
        private int _isOver;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isOver, 1) == 0)
            {
                Interlocked.Decrement(ref s_working);
            }
        }
    }
}
