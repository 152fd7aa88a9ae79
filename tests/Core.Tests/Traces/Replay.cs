using VmSim.Core.Programs;

namespace VmSim.Core.Tests.Traces;

/// <summary>Runs a program's threads in a drawn interleaving that keeps its events, over a set of mapped pages.</summary>
internal sealed class Replay
{
    private readonly ProgramImage _image;
    private readonly HashSet<ulong> _mapped = [];
    private readonly HashSet<ulong> _events = [];
    private readonly List<Thread> _threads = [];
    private readonly int[] _arrived;
    private readonly Random _random;
    private ulong _break;
    private bool _everything;

    public Replay(ProgramImage image, int seed, HashSet<ulong>? inherited = null, ulong inheritedBreak = 0)
    {
        _image = image;
        _random = new Random(seed);
        _arrived = new int[image.BarrierParties.Count];
        _mapped.UnionWith(inherited ?? []);
        foreach (SystemCall call in image.InitialMappings)
        {
            Set(call.Start.Value, call.Length, true);
        }

        _break = inherited is null ? image.InitialBreak.Value : inheritedBreak;
        _threads.AddRange(image.Threads.Select(thread => new Thread(thread)));
    }

    /// <summary>Hears of every operation of a thread as it is done, by the thread's index; events are left out.</summary>
    public Action<int>? Done { get; init; }

    public int Unmapped { get; private set; }

    public long Accesses { get; private set; }

    public long KernelAccesses { get; private set; }

    public Dictionary<SystemCallKind, int> Calls { get; } = [];

    public List<(ulong Page, ulong PageCount)> UnmappedPages { get; } = [];

    public int Children { get; private set; }

    /// <summary>Runs to the end; false when the threads that are left all wait.</summary>
    public bool Run()
    {
        while (true)
        {
            List<Thread> ready =
                [.. _threads.Where(thread => thread.Started && !thread.Ended && !thread.AtBarrier
                    && (thread.WaitsFor < 0 || _events.Contains((ulong)thread.WaitsFor)))];
            if (ready.Count == 0)
            {
                return _threads.TrueForAll(thread => thread.Ended || !thread.Started);
            }

            Step(ready[_random.Next(ready.Count)], _random.Next(1, 200));
        }
    }

    private void Step(Thread thread, int steps)
    {
        thread.WaitsFor = -1;
        for (; steps > 0 && thread.WaitsFor < 0 && !thread.AtBarrier && !thread.Ended; steps--)
        {
            if (!thread.Next(out Operation operation))
            {
                thread.Ended = true;
            }
            else
            {
                Do(thread, operation);
            }
        }
    }

    private void Do(Thread thread, Operation operation)
    {
        if (!operation.IsControl)
        {
            Accesses += operation.Count;
            Use(operation.PageAddress >> 12);
        }
        else
        {
            Control(thread, operation);
        }

        if (!operation.IsControl || operation.Control is not (ControlKind.Signal or ControlKind.Wait or ControlKind.Await))
        {
            Done?.Invoke(_threads.IndexOf(thread));
        }
    }

    private void Control(Thread thread, Operation operation)
    {
        switch (operation.Control)
        {
            case ControlKind.KernelLoad or ControlKind.KernelStore:
                KernelAccesses++;
                Use(operation.Argument);
                break;
            case ControlKind.Signal:
                Assert.True(_events.Add(operation.Argument));
                break;
            case ControlKind.Wait or ControlKind.Await:
                thread.WaitsFor = _events.Contains(operation.Argument) ? -1 : (long)operation.Argument;
                break;
            case ControlKind.StartThread:
                _threads[(int)operation.Argument].Started = true;
                break;
            case ControlKind.Exit:
                thread.Ended = true;
                break;
            case ControlKind.Fork:
                Replay child = new Replay(_image.Children[(int)operation.Argument], 1, _mapped, _break);
                Assert.True(child.Run());
                Children++;
                Unmapped += child.Unmapped;
                break;
            case ControlKind.Compute or ControlKind.Yield or ControlKind.Migrate or ControlKind.Sleep:
                break;
            case ControlKind.Barrier or ControlKind.SpinBarrier:
                Arrive(thread, (int)operation.Argument);
                break;
            case ControlKind.SystemCall:
                Call(thread.Program.SystemCalls[(int)operation.Argument]);
                break;
            default:
                Assert.Fail($"unexpected {operation.Control}");
                break;
        }
    }

    private void Arrive(Thread thread, int barrier)
    {
        thread.Barrier = barrier;
        if (++_arrived[barrier] == _image.BarrierParties[barrier])
        {
            _arrived[barrier] = 0;
            _threads.Where(other => other.Barrier == barrier).ToList().ForEach(other => other.Barrier = -1);
        }
    }

    private void Call(SystemCall call)
    {
        Calls[call.Kind] = Calls.GetValueOrDefault(call.Kind) + 1;
        switch (call.Kind)
        {
            case SystemCallKind.Map:
                Set(call.Start.Value, call.Length, true);
                break;
            case SystemCallKind.Unmap:
                Set(call.Start.Value, call.Length, false);
                break;
            case SystemCallKind.Remap:
                Set(call.Start.Value, call.Length, false);
                Set(call.NewStart.Value, call.NewLength, true);
                break;
            case SystemCallKind.SetBreak:
                Set(
                    Math.Min(_break, call.Start.Value),
                    Math.Max(_break, call.Start.Value) - Math.Min(_break, call.Start.Value),
                    call.Start > new Core.Addresses.VirtAddr(_break));
                _break = call.Start.Value;
                break;
        }
    }

    private void Set(ulong start, ulong length, bool mapped)
    {
        if (length > 1UL << 40)
        {
            _mapped.Clear();
            _everything = mapped;
            return;
        }

        for (ulong page = start >> 12; page < (start + length + 4095) >> 12; page++)
        {
            _ = mapped ? _mapped.Add(page) : _mapped.Remove(page);
        }
    }

    private void Use(ulong page)
    {
        if (!_everything && !_mapped.Contains(page))
        {
            Unmapped++;
            UnmappedPages.Add((page, (ulong)Accesses));
        }
    }

    private sealed class Thread(ThreadProgram program)
    {
        private readonly IOperationStream _stream = program.Open();
        private readonly ulong[] _buffer = new ulong[257];
        private int _index;
        private int _count;

        public ThreadProgram Program => program;

        public bool Started { get; set; } = program.StartsRunnable;

        public bool Ended { get; set; }

        public long WaitsFor { get; set; } = -1;

        public int Barrier { get; set; } = -1;

        public bool AtBarrier => Barrier >= 0;

        public bool Next(out Operation operation)
        {
            if (_index == _count)
            {
                _count = _stream.Read(_buffer);
                _index = 0;
            }

            operation = _index < _count ? new Operation(_buffer[_index++]) : default;
            return _count > 0;
        }
    }
}
