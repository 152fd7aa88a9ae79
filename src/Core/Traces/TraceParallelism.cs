using VmSim.Core.Programs;
using VmSim.Core.Statistics;

namespace VmSim.Core.Traces;

/// <summary>
/// How many threads of a trace run at once on average, if each has a core and each access takes one step. A tool that runs threads one
/// after another writes a trace whose order may tie them together more than the program did.
/// </summary>
/// <param name="Kept">With the orders between threads that a replay keeps, from 0.</param>
/// <param name="Free">Without them: only the start of each thread counts.</param>
public readonly record struct TraceParallelism(double Kept, double Free)
{
    /// <summary>Runs a program twice in steps, with its orders and without.</summary>
    /// <param name="image">A trace's program; its children are not looked at.</param>
    public static TraceParallelism Of(ProgramImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return new TraceParallelism(new Steps(image, keepsOrder: true).Average(), new Steps(image, keepsOrder: false).Average());
    }

    /// <summary>Threads that run as far as they can, each with a clock of its own.</summary>
    private sealed class Steps(ProgramImage image, bool keepsOrder)
    {
        private const int BufferLength = 4096;
        private const long NotYet = -1;

        private readonly Walker[] _walkers = [.. image.Threads.Select(thread => new Walker(thread))];
        private readonly Dictionary<int, long> _happened = [];
        private readonly Dictionary<int, List<Walker>> _waiting = [];
        private readonly Queue<Walker> _ready = new();

        public double Average()
        {
            foreach (Walker walker in _walkers)
            {
                if (walker.StartsRunnable)
                {
                    _ready.Enqueue(walker);
                }
            }

            while (_ready.TryDequeue(out Walker? walker))
            {
                Run(walker);
            }

            long longest = _walkers.Max(walker => walker.Clock);
            return longest == 0 ? 0 : _walkers.Sum(walker => (double)walker.Accesses) / longest;
        }

        private void Run(Walker walker)
        {
            while (walker.TryRead(out Operation operation, out long times))
            {
                if (!operation.IsControl)
                {
                    walker.Clock = Saturating.Add(walker.Clock, operation.Count * times);
                    walker.Accesses = Saturating.Add(walker.Accesses, operation.Count * times);
                    continue;
                }

                int number = (int)operation.Argument;
                switch (operation.Control)
                {
                    case ControlKind.StartThread:
                        _walkers[number].Clock = walker.Clock;
                        _ready.Enqueue(_walkers[number]);
                        break;
                    case ControlKind.Signal:
                        Signal(number, walker.Clock);
                        break;
                    case ControlKind.Await or ControlKind.Wait when keepsOrder && TimeOf(number) == NotYet:
                        Wait(walker, number);
                        return;
                    case ControlKind.Await or ControlKind.Wait when keepsOrder:
                        walker.Clock = Math.Max(walker.Clock, TimeOf(number));
                        break;
                    default:
                        break;
                }
            }
        }

        private void Signal(int number, long time)
        {
            if (_happened.TryAdd(number, time) && _waiting.Remove(number, out List<Walker>? waiters))
            {
                waiters.ForEach(waiter => Wake(waiter, time));
            }
        }

        private long TimeOf(int number) => _happened.GetValueOrDefault(number, NotYet);

        private void Wait(Walker walker, int number)
        {
            if (!_waiting.TryGetValue(number, out List<Walker>? waiters))
            {
                _waiting.Add(number, waiters = []);
            }

            waiters.Add(walker);
        }

        private void Wake(Walker walker, long time)
        {
            walker.Clock = Math.Max(walker.Clock, time);
            _ready.Enqueue(walker);
        }

        private sealed class Walker(ThreadProgram thread)
        {
            private readonly IOperationStream _stream = thread.Open();
            private readonly ulong[] _buffer = new ulong[BufferLength];
            private int _position;
            private int _length;

            public bool StartsRunnable => thread.StartsRunnable;

            public long Clock { get; set; }

            public long Accesses { get; set; }

            /// <summary>The next operation, and how often it stands there: a trace's are not repeated one by one.</summary>
            public bool TryRead(out Operation operation, out long times)
            {
                if (_stream is PackedReader packed)
                {
                    bool isThere = packed.TryRead(out ulong word, out times);
                    operation = new Operation(word);
                    return isThere;
                }

                if (_position == _length)
                {
                    _position = 0;
                    _length = _stream.Read(_buffer);
                }

                times = 1;
                operation = _position < _length ? new Operation(_buffer[_position++]) : default;
                return _length > 0;
            }
        }
    }
}
