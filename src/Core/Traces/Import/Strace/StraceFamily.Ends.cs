namespace VmSim.Core.Traces.Import.Strace;

/// <content>What ends threads and processes: exec, exit, and the log.</content>
internal sealed partial class StraceFamily
{
    /// <summary>A process executes a program: what it shared or mapped is gone, and so are its other threads.</summary>
    public void Execute(StraceTask task)
    {
        StraceProcess process = task.Process;
        if (task.IsBorrower || task.IsAdopted)
        {
            StraceTask own = AddProcess(process, process, task.Id);
            process.Order?.Add(new StraceStep(task.Thread, VmtRecord.Fork((ulong)own.Process.Id), "fork"));
            process.Order?.Add(new StraceStep(task.Thread, VmtRecord.Exit((ulong)task.Thread), null));
            process.Summary.Children.Add((ulong)own.Process.Id);
            process.Tasks.Remove(task);
            own.HasLines = true;
            own.IsReturned = task.IsReturned;
            if (task.IsAdopted)
            {
                _executed.Add(task.Id);
            }

            process = own.Process;
            task = own;
        }

        process.Lender = null;
        foreach (StraceTask other in process.Tasks.ToArray())
        {
            if (other != task)
            {
                End(other);
            }
        }

        process.Segments.Clear();
        (process.Break, process.HeapStart, process.HasExecuted) = (0, 0, true);
        process.Order?.Add(new StraceStep(task.Thread, VmtRecord.Exec(), null));
    }

    /// <summary>A thread that executes a program takes the number of its process's first thread.</summary>
    /// <param name="leader">The number of the first thread, which may have ended.</param>
    /// <param name="thread">The number of the thread that executes.</param>
    public void Supersede(long leader, long thread)
    {
        if (leader == thread || !_tasks.TryGetValue(thread, out StraceTask? task))
        {
            return;
        }

        if (_tasks.TryGetValue(leader, out StraceTask? first))
        {
            if (first.Process == task.Process)
            {
                first.Process.Order?.Add(new StraceStep(first.Thread, VmtRecord.Exit((ulong)first.Thread), null));
            }

            LeavePending(first);
            Forget(first);
        }

        // its process is told by now, so that it executes in that
        task.IsAdopted = false;
        Rename(task, leader);
    }

    /// <summary>
    /// The thread that has the number now of a line that ends an execve: one that began it under its own number (--quiet=thread-execve).
    /// </summary>
    /// <param name="process">The number that the line begins with.</param>
    /// <param name="own">The thread with that number; null for none.</param>
    public void Supersede(long process, StraceTask? own)
    {
        List<StraceTask> executing = [.. _tasks.Values.Where(task => task.Pending is { Call: StraceCall.Execute })];
        if (own is not null)
        {
            executing.RemoveAll(task => task.Process != own.Process);
        }

        if (executing.Count == 1)
        {
            Supersede(process, executing[0].Id);
        }
    }

    /// <summary>A thread has ended.</summary>
    public void End(StraceTask task)
    {
        StraceProcess process = task.Process;
        LeavePending(task);
        if (task.Maker?.EarlyChild == task.Id)
        {
            if (!_endedEarly.TryGetValue(task.Id, out List<StraceTask>? ended))
            {
                ended = [];
                _endedEarly.Add(task.Id, ended);
            }

            ended.Add(task);
        }

        if (task.Thread != 0)
        {
            process.Order?.Add(new StraceStep(task.Thread, VmtRecord.Exit((ulong)task.Thread), null));
        }

        Forget(task);
        if (process.Tasks.Count == 0)
        {
            Complete(process);
        }
    }

    /// <summary>The log has ended.</summary>
    public void Finish()
    {
        foreach (StraceTask task in _tasks.Values.ToArray())
        {
            LeavePending(task);
            if (task.Process.Tasks.Count > 1 || task.Process == Root)
            {
                continue;
            }

            Forget(task);
            Complete(task.Process);
        }

        foreach (StraceTask task in _tasks.Values.ToArray())
        {
            Forget(task);
            if (task.Process.Tasks.Count == 0)
            {
                Complete(task.Process);
            }
        }

        End(Root);
    }

    /// <summary>Counts the call that a thread is in, and that the log does not end.</summary>
    private static void LeavePending(StraceTask task)
    {
        if (task.Pending is { IsUsed: true } pending)
        {
            if (pending.Call != StraceCall.Exit)
            {
                ImportSummary.Add(task.Process.Summary.WithoutResult, pending.Name);
            }

            task.Space.Process.Order?.End(task.Id, [], 0, 0);
        }

        task.Pending = null;
    }

    private void Rename(StraceTask task, long id)
    {
        _tasks.Remove(task.Id);
        task.Id = id;
        Add(task);
    }

    private void Forget(StraceTask task)
    {
        if (!task.HasLines && task.Id >= 0)
        {
            _silent.Add(task.Id);
        }

        _attached.Remove(task.Id);
        task.Process.Tasks.Remove(task);
        if (_tasks.TryGetValue(task.Id, out StraceTask? known) && known == task)
        {
            _tasks.Remove(task.Id);
        }
    }

    /// <summary>A process has ended. The first one may have to fork another one that a later line tells of.</summary>
    private void Complete(StraceProcess process)
    {
        if (process.Writer is not null && process != Root)
        {
            End(process);
            _options.Children!.Close((ulong)process.Id, process.Summary);
        }
    }

    private void End(StraceProcess process)
    {
        process.Order!.Finish();
        process.Writer!.Finish();
        Assumed += process.Writer.Assumed;
    }
}
