using VmSim.Core.Addresses;
using VmSim.Core.Kernel;
using VmSim.Core.Kernel.Locks;

namespace VmSim.Core.Tests.Kernel.Locks;

/// <summary>The semaphore against a plain one on random requests, and what must hold for any of them.</summary>
public sealed class RwsemModelTests
{
    private const int Threads = 6;
    private const int Steps = 4_000;

    public static TheoryData<int, bool> Draws
    {
        get
        {
            TheoryData<int, bool> draws = [];
            for (int seed = 1; seed <= 40; seed++)
            {
                draws.Add(seed, seed % 4 == 0);
            }

            return draws;
        }
    }

    [Theory]
    [MemberData(nameof(Draws))]
    public void Rwsem_AnyRequests_DoesWhatThePlainOneDoesAndExcludes(int seed, bool readersSpin)
    {
        Run run = new(seed, readersSpin);
        for (int step = 0; step < Steps; step++)
        {
            run.Step();
        }

        run.Finish();
        Assert.True(run.Sleeps > 0 && run.Spins > 0, $"seed {seed}: nobody slept or nobody spun");
    }

    [Fact]
    public void Rwsem_ManyRequests_KeepTheLockForThoseThatWaitLong()
    {
        long kept = 0;
        for (int seed = 1; seed <= 40; seed++)
        {
            Run run = new(seed, readersSpin: false);
            for (int step = 0; step < Steps; step++)
            {
                run.Step();
            }

            kept += run.Kept;
        }

        Assert.True(kept > 10, $"seeds 1 to 40: the lock was kept {kept} times");
    }

    /// <summary>Threads that ask, hold, give up and sleep at random times; both semaphores hear the same.</summary>
    private sealed class Run : IRwsemSignals
    {
        private readonly int _seed;

        /// <summary>In some draws time goes on so fast that those that sleep have the lock kept for them.</summary>
        private readonly int _stretch;
        private readonly Random _random;
        private readonly Rwsem _lock;
        private readonly PlainRwsem _plain;
        private readonly List<string> _told = [];
        private readonly KernelOperation?[] _asked = new KernelOperation?[Threads];
        private readonly HashSet<int> _holders = [];
        private readonly List<int> _awake = [];
        private readonly List<(int Thread, long At)> _limits = [];
        private long _now;

        public Run(int seed, bool readersSpin)
        {
            _seed = seed;
            _stretch = seed % 3 == 0 ? 20 : 1;
            _random = new Random(seed);
            _plain = new PlainRwsem(readersSpin);
            _lock = new Rwsem(new RwsemRules(PlainRwsem.Microsecond, readersSpin, Sleeps: true), this);
        }

        public int Sleeps { get; private set; }

        public int Spins { get; private set; }

        public long Kept { get; private set; }

        public void Step()
        {
            _now += _random.Next(2) == 0 ? _random.Next(3_000) : _random.Next(60_000 * _stretch);
            EndSpins();
            int thread = _random.Next(Threads);
            if (_asked[thread] is not { } operation)
            {
                Ask(thread, writes: _random.Next(2) == 0);
            }
            else if (_holders.Contains(thread))
            {
                LeaveOrDowngrade(thread, operation, mayDowngrade: true);
            }
            else if (_random.Next(16) == 0)
            {
                _lock.GiveWay(operation.Thread, _now);
                _plain.AnotherIsDue(thread, _now);
            }
            else if (_awake.Count > 0)
            {
                RunAgain(_awake[_random.Next(_awake.Count)]);
            }

            Compare();
        }

        /// <summary>Nobody asks any more: everybody gets the lock and gives it up.</summary>
        public void Finish()
        {
            for (int rounds = 0; _asked.Any(asked => asked is not null); rounds++)
            {
                Assert.True(rounds < 10 * Threads, $"seed {_seed}: somebody waits for ever");
                _now += 100_000;
                EndSpins();
                foreach (int thread in _holders.ToArray())
                {
                    LeaveOrDowngrade(thread, _asked[thread]!, mayDowngrade: false);
                    Compare();
                }

                foreach (int thread in _awake.ToArray())
                {
                    RunAgain(thread);
                    Compare();
                }
            }
        }

        void IRwsemSignals.Takes(KernelOperation operation)
        {
            Spins++;
            _holders.Add(operation.Thread.Value);
            _told.Add($"{operation.Thread} takes it");
        }

        void IRwsemSignals.Sleep(KernelOperation operation)
        {
            Sleeps++;
            _told.Add($"{operation.Thread} sleeps");
        }

        void IRwsemSignals.Wake(KernelOperation operation, KernelOperation waker)
        {
            Assert.NotSame(operation, waker);
            Assert.DoesNotContain(operation.Thread.Value, _awake);
            _awake.Add(operation.Thread.Value);
            _told.Add($"{operation.Thread} wakes");
        }

        void IRwsemSignals.LockAreas(KernelOperation operation) =>
            throw new InvalidOperationException("a lock by itself has no areas");

        void IRwsemSignals.IsKept(KernelOperation operation)
        {
            Kept++;
            _told.Add($"kept for {operation.Thread}");
        }

        void IRwsemSignals.SetSpinLimit(KernelOperation operation, long until)
        {
            _limits.Add((operation.Thread.Value, until));
            _told.Add($"{operation.Thread} spins to {until}");
        }

        private void EndSpins()
        {
            long now = _now;
            foreach ((int thread, long at) in _limits.Where(limit => limit.At <= now).OrderBy(limit => limit.At).ToArray())
            {
                _now = at;
                _limits.Remove((thread, at));
                if (_asked[thread] is { } operation)
                {
                    _lock.EndSpin(operation, at);
                    _plain.TimeIsUp(thread, at);
                    Compare();
                }
            }

            _now = now;
        }

        private void Ask(int thread, bool writes)
        {
            KernelOperation operation = new()
            {
                Kind = OperationKind.Call,
                Thread = new ThreadId(thread),
                Core = new CoreId(thread),
                Exclusive = writes,
            };
            _asked[thread] = operation;
            bool has = _lock.TryEnter(operation, _now);
            Assert.Equal(_plain.Ask(thread, writes, _now), has);
            if (has)
            {
                _holders.Add(thread);
            }
        }

        private void RunAgain(int thread)
        {
            _awake.Remove(thread);
            bool has = _lock.Resume(_asked[thread]!, _now);
            Assert.Equal(_plain.RunAgain(thread, _now), has);
            if (has)
            {
                _holders.Add(thread);
            }
        }

        private void LeaveOrDowngrade(int thread, KernelOperation operation, bool mayDowngrade)
        {
            if (mayDowngrade && operation.Exclusive && _random.Next(3) == 0)
            {
                operation.Exclusive = false;
                _lock.Downgrade(operation, _now);
                _plain.BecomeReader(thread, _now);
                return;
            }

            _holders.Remove(thread);
            _asked[thread] = null;
            _lock.Leave(operation, _now);
            _plain.GiveUp(thread, _now);
        }

        private void Compare()
        {
            Assert.True(_plain.Told.SequenceEqual(_told), $"seed {_seed} at {_now}: {Text(_told)} instead of {Text(_plain.Told)}");
            _plain.Told.Clear();
            _told.Clear();
            Assert.False(_lock.Writer is not null && _lock.Readers.Count > 0, $"seed {_seed}: a writer has it with readers");
            Assert.True(
                _lock.Writer is not null || _lock.Readers.Count > 0 || _lock.Sleepers.Count == 0
                    || _lock.Sleepers[0].Rwsem == RwsemState.Woken,
                $"seed {_seed} at {_now}: the lock is free, and the first that sleeps for it is not woken");
            Assert.True(
                _holders.All(thread => _asked[thread] == _lock.Writer || _lock.Readers.Contains(_asked[thread])),
                $"seed {_seed} at {_now}: who has the lock does not have it");
        }

        private static string Text(List<string> told) => $"[{string.Join("; ", told)}]";
    }
}
