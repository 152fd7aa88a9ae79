using VmSim.Core.VirtualTime;
using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Core.Exploring;

/// <summary>
/// What to delay so that an access comes later: the answer by which its thread came back from the kernel right before, or the step itself
/// where the thread was in user mode all along.
/// </summary>
internal sealed class ThreadSteps
{
    private readonly List<OrderDelay> _movers = [];
    private readonly List<(long Time, int Index, bool IsAccess)> _line = [];

    /// <summary>What to delay for an access, by its place in the record.</summary>
    public OrderDelay MoverOf(int access) => _movers[access];

    /// <summary>Reads a run.</summary>
    public void Read(RunRecord record, SmallWorld world)
    {
        _movers.Clear();
        for (int i = 0; i < record.Accesses.Count; i++)
        {
            _movers.Add(default);
        }

        for (int core = 0; core < record.Cores; core++)
        {
            ReadCore(record, world, core);
        }
    }

    private void ReadCore(RunRecord record, SmallWorld world, int core)
    {
        _line.Clear();
        for (int i = 0; i < record.Accesses.Count; i++)
        {
            if (record.Accesses[i].Core == core && record.Accesses[i].Time >= world.From)
            {
                _line.Add((record.Accesses[i].Time, i, true));
            }
        }

        for (int i = 0; i < record.Messages.Count; i++)
        {
            SentMessage sent = record.Messages[i];
            bool isEntry = sent.Message.Sender == core && sent.Message.Kind is MessageKind.Fault or MessageKind.SystemCall;
            bool isAnswer = sent.Message.Target == core && IsAnswer(sent.Message.Kind);
            if ((isEntry || isAnswer) && sent.SentAt >= world.From)
            {
                _line.Add((isEntry ? sent.SentAt : sent.Due, i, false));
            }
        }

        _line.Sort(static (left, right) => left.Time != right.Time
            ? left.Time.CompareTo(right.Time)
            : left.IsAccess != right.IsAccess ? left.IsAccess.CompareTo(right.IsAccess) : left.Index.CompareTo(right.Index));
        Walk(record, world, core);
    }

    private static bool IsAnswer(MessageKind kind) => kind is MessageKind.TrapReturn or MessageKind.ThreadWake or MessageKind.SpaceLoaded;

    /// <summary>Goes along what a core did beside the steps of its thread.</summary>
    private void Walk(RunRecord record, SmallWorld world, int core)
    {
        IReadOnlyList<ScriptStep> steps = core < world.Threads.Count ? world.Threads[core] : [];
        int step = 0;
        OrderDelay before = default;
        foreach ((_, int index, bool isAccess) in _line)
        {
            if (!isAccess)
            {
                SentMessage sent = record.Messages[index];
                bool isAnswer = IsAnswer(sent.Message.Kind);
                before = isAnswer ? new OrderDelay(sent.Message.Sender, sent.Message.Sequence, 1, IsStep: false) : default;
                while (!isAnswer && sent.Message.Kind == MessageKind.SystemCall && step < steps.Count && !steps[step].IsCall)
                {
                    step++;
                }

                step += !isAnswer && sent.Message.Kind == MessageKind.SystemCall ? 1 : 0;
                continue;
            }

            while (step < steps.Count && !steps[step].IsAccess)
            {
                step++;
            }

            _movers[index] = before.Extra > 0 ? before : step < steps.Count ? new OrderDelay(core, step, 1, IsStep: true) : default;
            before = default;
            step++;
        }
    }
}
