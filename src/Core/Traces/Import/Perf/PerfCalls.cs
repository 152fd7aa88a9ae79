using System.Text;
using VmSim.Core.Programs;

namespace VmSim.Core.Traces.Import.Perf;

/// <summary>Joins the beginnings and ends of system calls.</summary>
internal sealed class PerfCalls(PerfRecording recording, ImportSummary summary)
{
    private const int MaxErrno = 4095;
    private const int UnmapCall = 11;

    /// <summary>A call begins.</summary>
    /// <returns>False if its arguments cannot be read.</returns>
    public bool TryEnter(PerfThread thread, string name, ReadOnlySpan<byte> text)
    {
        if (thread.Call is { Form: not null } unfinished)
        {
            ImportSummary.Add(thread.Process.Summary.WithoutResult, unfinished.Name);
        }

        PerfCallForm? form = PerfCallForm.Find(name);
        PerfCall call = new PerfCall(name, form);
        if (form is not null)
        {
            bool isRead = form.TryRead(text, call.Arguments);
            call = call with { IsRead = isRead, Path = new PerfFields(text).Path(form.Number == 9 ? "fd"u8 : "filename"u8) };
            if (!isRead)
            {
                thread.Call = null;
                return false;
            }

            if (form.Number == UnmapCall)
            {
                thread.Process.BeginUnmap(thread);
            }
        }

        thread.Call = call;
        if (form is { IsExecute: false })
        {
            thread.Process.Run();
        }

        return true;
    }

    /// <summary>A call ends with what it returned.</summary>
    public void Exit(PerfThread thread, string name, ulong result, bool namesProcesses)
    {
        long signed = unchecked((long)result);
        int error = signed is < 0 and >= -MaxErrno ? (int)-signed : 0;
        End(thread, name, result, error == 0 ? null : NameOf(error), namesProcesses);
    }

    /// <summary>A call ends with what perf trace prints of its result.</summary>
    /// <returns>False if it cannot be read.</returns>
    public bool TryExit(PerfThread thread, string name, ReadOnlySpan<byte> text)
    {
        if (text.SequenceEqual("?"u8))
        {
            // exit and exit_group do not return.
            thread.Call = null;
            ImportSummary.Add(thread.Process.Summary.WithoutResult, name);
            return true;
        }

        if (text.StartsWith("-1 E"u8))
        {
            int end = text[3..].IndexOf((byte)' ');
            string error = Encoding.ASCII.GetString(end < 0 ? text[3..] : text.Slice(3, end));
            End(thread, name, result: 0, error, namesProcesses: false);
            return true;
        }

        if (!PerfText.TryNumber(ref text, out ulong result))
        {
            return false;
        }

        Exit(thread, name, result, namesProcesses: false);
        return true;
    }

    /// <summary>An error's name. Beside those of memory's calls, execve has its own (include/uapi/asm-generic/errno-base.h).</summary>
    private static string NameOf(int error) => error switch
    {
        2 => "ENOENT",
        7 => "E2BIG",
        8 => "ENOEXEC",
        20 => "ENOTDIR",
        _ => Enum.IsDefined((Errno)error) ? ((Errno)error).Name() : $"error {error}",
    };

    /// <param name="thread">Who called.</param>
    /// <param name="name">The call.</param>
    /// <param name="result">What it returned.</param>
    /// <param name="error">The kernel's name of its error; null if it succeeded.</param>
    /// <param name="namesProcesses">As of <see cref="PerfRecording.Fork"/>.</param>
    private void End(PerfThread thread, string name, ulong result, string? error, bool namesProcesses)
    {
        PerfCall? call = thread.Call;
        thread.Call = null;
        if (call is null || call.Name != name)
        {
            Unbegun(thread, name);
        }
        else if (call.Form is null)
        {
            thread.Process.Summary.OtherCalls++;
        }
        else if (error is not null)
        {
            thread.Process.TakeFailed(thread, call, error);
        }
        else
        {
            Done(thread, call, result, namesProcesses);
        }
    }

    private void Done(PerfThread thread, PerfCall call, ulong result, bool namesProcesses)
    {
        if (call.Form!.IsClone)
        {
            // In the child, clone returns 0.
            if (result != 0 && result <= int.MaxValue)
            {
                thread.Call = call;
                recording.Fork(thread, result, process: 0, namesProcesses);
                thread.Call = null;
            }
        }
        else if (call.Form.IsExecute)
        {
            Executed(thread);
        }
        else
        {
            thread.Process.Take(thread, call, result);
        }
    }

    /// <summary>A call that began before the recording did, or whose beginning was lost.</summary>
    private void Unbegun(PerfThread thread, string name)
    {
        PerfCallForm? form = PerfCallForm.Find(name);
        if (form is null)
        {
            thread.Process.Summary.OtherCalls++;
        }
        else if (form.IsExecute)
        {
            Executed(thread);
        }
        else if (form.IsClone)
        {
            // The child's side of clone, whose beginning is its parent's.
            ImportSummary.Add(summary.Records, $"{name} returning in the child");
        }
        else
        {
            ImportSummary.Add(thread.Process.Summary.WithoutResult, $"{name} without its beginning");
        }
    }

    private static void Executed(PerfThread thread)
    {
        if (!thread.Process.IsExecuting)
        {
            thread.Process.Execute(thread);
        }

        thread.Process.Run();
    }
}
