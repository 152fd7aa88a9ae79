namespace VmSim.Core.Traces.Import.Strace;

/// <content>What ends threads and processes: exec, exit, and the log.</content>
internal sealed partial class StraceFamily
{
    /// <summary>A process executes a program: what it shared or mapped is gone, and so are its other threads.</summary>
    public void Execute(StraceTask task)
    {
        StraceProcess process = task.Process;
        if (task.IsBorrower)
        {
            StraceTask own = AddProcess(process, process, task.Id);
            process.Order?.Add(new StraceStep(task.Thread, VmtRecord.Fork((ulong)task.Id), "fork"));
            process.Order?.Add(new StraceStep(task.Thread, VmtRecord.Exit((ulong)task.Thread), null));
            process.Summary.Children.Add((ulong)task.Id);
            process.Tasks.Remove(task);
            own.HasLines = true;
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
        process.Break = 0;
        process.Order?.Add(new StraceStep(task.Thread, VmtRecord.Exec(), null));
    }

    /// <summary>A thread that executes a program takes the number of its process's first thread.</summary>
    public void Supersede(StraceTask leader, long thread)
    {
        if (!_tasks.TryGetValue(thread, out StraceTask? task) || task == leader)
        {
            return;
        }

        long id = leader.Id;
        StraceProcess process = leader.Process;
        if (leader.Process == task.Process)
        {
            process.Order?.Add(new StraceStep(leader.Thread, VmtRecord.Exit((ulong)leader.Thread), null));
        }

        Forget(leader);
        Rename(task, id);
    }

    /// <summary>A thread has ended.</summary>
    public void End(StraceTask task)
    {
        StraceProcess process = task.Process;
        if (task.Pending is { IsUsed: true } pending)
        {
            if (pending.Call is not (StraceCall.Exit or StraceCall.Execute))
            {
                ImportSummary.Add(process.Summary.WithoutResult, pending.Name);
            }

            task.Space.Process.Order?.End(task.Id, [], 0, 0);
        }

        if (IsEarly(task.Id))
        {
            _endedEarly[task.Id] = task;
        }

        if (task.Thread != 0)
        {
            process.Order?.Add(new StraceStep(task.Thread, VmtRecord.Exit((ulong)task.Thread), null));
        }

        Forget(task);
        if (process.Tasks.Count == 0)
        {
            Complete(process, task.Id);
        }
    }

    /// <summary>The log has ended.</summary>
    public void Finish()
    {
        foreach (StraceTask task in _tasks.Values.ToArray())
        {
            if (task.Pending is { IsUsed: true } pending && pending.Call is not (StraceCall.Exit or StraceCall.Execute))
            {
                ImportSummary.Add(task.Process.Summary.WithoutResult, pending.Name);
            }

            task.Pending = null;
            if (task.Process.Tasks.Count > 1 || task.Process == Root)
            {
                continue;
            }

            Forget(task);
            Complete(task.Process, task.Id);
        }

        foreach (StraceTask task in _tasks.Values.ToArray())
        {
            Forget(task);
            if (task.Process.Tasks.Count == 0)
            {
                Complete(task.Process, task.Id);
            }
        }
    }

    private void Rename(StraceTask task, long id)
    {
        _tasks.Remove(task.Id);
        task.Id = id;
        _tasks[id] = task;
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

    private void Complete(StraceProcess process, long id)
    {
        if (process.Writer is null)
        {
            return;
        }

        process.Order!.Finish();
        process.Writer.Finish();
        Assumed += process.Writer.Assumed;
        if (process != Root)
        {
            _options.Children!.Close((ulong)process.Id, process.Summary);
        }
    }
}
