using System.Diagnostics;
using VmSim.Core.Settings;
using VmSim.Core.Traces;

namespace VmSim.Actors.Configuration;

/// <summary>A run broke off because a plug-in threw, or a call that it made; the message names the plug-in and the method.</summary>
public sealed class PlugInFailedException : Exception
{
    /// <summary>Makes an exception without a message.</summary>
    public PlugInFailedException()
    {
    }

    /// <summary>Makes an exception with a message.</summary>
    public PlugInFailedException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message and its cause.</summary>
    public PlugInFailedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>The failure of a plug-in that an exception is; null if no plug-in was at work when it was thrown.</summary>
    /// <param name="reason">The exception.</param>
    /// <param name="plugIns">The plug-ins of the run.</param>
    public static PlugInFailedException? Of(Exception reason, PlugInSet plugIns)
    {
        ArgumentNullException.ThrowIfNull(plugIns);
        for (Exception? cause = plugIns.Count == 0 ? null : reason; cause is not null; cause = cause.InnerException)
        {
            if (cause is PlugInFailedException known)
            {
                return known;
            }

            string said = $"{cause.GetType().Name}: {cause.Message}";
            if (AtWork(cause, plugIns) is ({ } plugIn, { } method))
            {
                return new PlugInFailedException($"the plug-in {plugIn} failed in {method}: {said}", cause);
            }

            // A method that cannot be compiled is not on the stack yet: its caller is.
            if (cause is MissingMemberException or TypeLoadException)
            {
                return new PlugInFailedException(
                    $"a plug-in was built against another build of vmsim; build {string.Join(", ", plugIns)} again: {said}", cause);
            }
        }

        return null;
    }

    /// <summary>Does what may call plug-ins.</summary>
    /// <param name="plugIns">The plug-ins.</param>
    /// <param name="work">What to do.</param>
    /// <exception cref="PlugInFailedException">A plug-in threw.</exception>
    public static T Guard<T>(PlugInSet plugIns, Func<T> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        try
        {
            return work();
        }
        catch (Exception reason) when (reason is not (ScenarioException or TraceFormatException) && Of(reason, plugIns) is not null)
        {
            throw Of(reason, plugIns)!;
        }
    }

    /// <summary>The plug-in whose method is the innermost one of any plug-in.</summary>
    private static (PlugIn PlugIn, string Method)? AtWork(Exception reason, PlugInSet plugIns)
    {
        foreach (StackFrame frame in new StackTrace(reason).GetFrames())
        {
            if (frame.GetMethod() is { DeclaringType: { } type } method
                && plugIns.FirstOrDefault(each => each.Assembly == type.Assembly) is { } plugIn)
            {
                return (plugIn, $"{type.FullName?.Replace('+', '.')}.{method.Name}");
            }
        }

        return null;
    }
}
