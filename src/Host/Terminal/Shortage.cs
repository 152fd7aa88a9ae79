using System.ComponentModel;

namespace VmSim.Host.Terminal;

/// <summary>Finds out whether something failed for want of memory, descriptors or threads, which shows in many ways.</summary>
internal static class Shortage
{
    private const int TooManyFilesInSystem = 23;
    private const int TooManyFiles = 24;
    private const int NoMemory = 12;
    private const int TryAgain = 11;

    /// <summary>A run on two threads ends well with 200, and does not start with 160.</summary>
    private const ulong DescriptorsNeeded = 256;

    /// <summary>
    /// Where the heap is limited to 16, 32 or 36 MiB, the runtime's own collector (10.0) ends with a segmentation fault when it runs out,
    /// which nobody can catch; from 40 MiB on it says that memory has run out.
    /// </summary>
    private const long HeapNeeded = 64L << 20;
    private static int s_memoryHasRunOut;

    /// <summary>Begins to note when memory runs out: what fails then fails for that, whatever it says of itself.</summary>
    public static void Watch()
    {
        // What is needed to tell of a shortage is loaded while there is none.
        _ = Of(new IOException());
        AppDomain.CurrentDomain.FirstChanceException += (_, happened) =>
        {
            if (happened.Exception is OutOfMemoryException)
            {
                Volatile.Write(ref s_memoryHasRunOut, 1);
            }
        };
    }

    /// <summary>
    /// Sees to it that a run has the descriptors and the heap without which it does not end with a sentence: with too few descriptors the
    /// actor system neither starts nor says so.
    /// </summary>
    /// <exception cref="ShortageException">There are too few, or the heap is too small.</exception>
    public static void RequireEnough()
    {
        long heap = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (heap < HeapNeeded)
        {
            throw new ShortageException(
                $"the heap may have {Quantities.Bytes(heap)}, and {Quantities.Bytes(HeapNeeded)} are needed; "
                + $"raise the limit: DOTNET_GCHeapHardLimit=0x{HeapNeeded:X}, or that of the container");
        }

        if (HasFewDescriptors)
        {
            throw new ShortageException(
                $"{NativeProcess.OpenFiles()} files may be open, and {DescriptorsNeeded} are needed; "
                + $"raise the limit: ulimit -n {DescriptorsNeeded}");
        }
    }

    /// <summary>What was missing, as a sentence; null if nothing was.</summary>
    /// <param name="reason">What failed.</param>
    public static string? Of(Exception reason)
    {
        for (Exception? cause = reason; cause is not null; cause = cause.InnerException)
        {
            int error = cause is Win32Exception system ? system.NativeErrorCode : cause is IOException ? cause.HResult : 0;
            switch (cause)
            {
                case ThreadStartException:
                case OutOfMemoryException when cause.Message.Contains("thread", StringComparison.OrdinalIgnoreCase):
                case Win32Exception when error == TryAgain:
                    return "no thread or process can be started; take fewer --threads, or raise the limit: ulimit -u";
                case FileNotFoundException or FileLoadException
                    when HasFewDescriptors && cause.Message.Contains("assembly", StringComparison.Ordinal):
                    return Descriptors;
                case OutOfMemoryException or InsufficientExecutionStackException:
                case Win32Exception or IOException when error == NoMemory:
                    return CanOpen() ? Memory() : Descriptors;
                case Win32Exception or IOException when error is TooManyFiles or TooManyFilesInSystem:
                    return Descriptors;
            }
        }

        // What memory or descriptors were missing for may say something else of itself: that a file is not there, that a rule is broken.
        return !CanOpen() ? Descriptors : Volatile.Read(ref s_memoryHasRunOut) != 0 ? Memory() : null;
    }

    private static bool HasFewDescriptors => OperatingSystem.IsLinux() && NativeProcess.OpenFiles() < DescriptorsNeeded;

    private static string Descriptors => "too many files are open; raise the limit: ulimit -n";

    private static string Memory() =>
        "memory has run out; simulate fewer cores, pages or threads, or allow more memory "
        + $"({Quantities.Bytes(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes)} may be used)";

    private static bool CanOpen()
    {
        try
        {
            File.OpenHandle("/dev/null").Dispose();
            return true;
        }
        catch (IOException reason)
        {
            return reason.HResult is not (TooManyFiles or TooManyFilesInSystem) && reason is not FileNotFoundException;
        }
        catch (UnauthorizedAccessException)
        {
            return true;
        }
    }
}
