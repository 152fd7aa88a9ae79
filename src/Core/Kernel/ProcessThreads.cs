using VmSim.Core.Addresses;
using VmSim.Core.Programs;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Kernel;

/// <summary>How the threads of a process are told what becomes of them.</summary>
internal interface IThreadSignals
{
    /// <summary>A thread goes on from its trap.</summary>
    /// <param name="thread">The thread.</param>
    /// <param name="core">The core that holds it.</param>
    void Return(ThreadId thread, CoreId core);

    /// <summary>A thread sleeps in its trap, and the core that holds it is free for others.</summary>
    /// <param name="thread">The thread.</param>
    /// <param name="core">The core that holds it.</param>
    void PutToSleep(ThreadId thread, CoreId core);

    /// <summary>A thread that sleeps, or has not run yet, is runnable.</summary>
    /// <param name="thread">The thread.</param>
    /// <param name="core">The core that it is to run on.</param>
    void Wake(ThreadId thread, CoreId core);

    /// <summary>The last thread that ran has ended, and with it the process; the core that holds the thread goes on afterwards.</summary>
    /// <param name="thread">The thread.</param>
    /// <param name="core">The core that holds it.</param>
    void EndProcess(ThreadId thread, CoreId core);

    /// <summary>Calls <see cref="ProcessThreads.EndSleep"/> after a time.</summary>
    void SetAlarm(ThreadId thread, Cycles duration);
}

/// <summary>
/// The threads of one process: on which core each runs, and what they wait for from each other. An event happens once and stays; a barrier
/// opens for as many threads as it has parties and closes behind them; a mutex goes to the thread that has waited longest.
/// </summary>
internal sealed class ProcessThreads
{
    private readonly string _process;
    private readonly ProgramImage _image;
    private readonly int _first;
    private readonly CoreId[] _coreOf;
    private readonly IThreadSignals _signals;
    private readonly bool[] _events;
    private readonly Barrier[] _barriers;
    private readonly Mutex[] _mutexes;
    private readonly List<(int Event, ThreadId Thread)> _eventWaiters = [];

    /// <summary>Threads that run from the start or were started, and have not ended.</summary>
    private int _living;

    /// <summary>Makes the threads of a process at time 0.</summary>
    /// <param name="identity">The process, with the core on which each thread is placed.</param>
    /// <param name="image">What it runs.</param>
    /// <param name="signals">Tells the threads.</param>
    public ProcessThreads(SpaceIdentity identity, ProgramImage image, IThreadSignals signals)
    {
        _process = identity.Name;
        _image = image;
        _first = identity.FirstThread.Value;
        _coreOf = [.. identity.CoreOf];
        _signals = signals;
        _events = new bool[image.EventCount];
        _barriers = [.. image.BarrierParties.Select(parties => new Barrier(parties, []))];
        _mutexes = [.. Enumerable.Range(0, image.MutexCount).Select(_ => new Mutex())];
        _living = image.Threads.Count(thread => thread.StartsRunnable);
    }

    private sealed record Barrier(int Parties, List<ThreadId> Waiting);

    private sealed class Mutex
    {
        public ThreadId? Owner { get; set; }

        public Queue<ThreadId> Waiting { get; } = new();
    }

    /// <summary>What a thread runs.</summary>
    public ThreadProgram ProgramOf(ThreadId thread) => _image.Threads[thread.Value - _first];

    /// <summary>Wakes the threads that are runnable from the start of the process, when a fork has made it.</summary>
    public void Start()
    {
        for (int i = 0; i < _image.Threads.Count; i++)
        {
            if (_image.Threads[i].StartsRunnable)
            {
                Wake(new ThreadId(_first + i));
            }
        }
    }

    /// <summary>Does what a thread asks.</summary>
    /// <param name="core">The core that holds it.</param>
    /// <param name="request">What it asks.</param>
    public void Handle(CoreId core, in ThreadRequest request)
    {
        ThreadId thread = request.Thread;
        switch (request.Kind)
        {
            case MessageKind.Signal:
                Signal(request.Event);
                break;
            case MessageKind.Wait when _events[request.Event]:
            case MessageKind.Barrier when PassBarrier(_barriers[request.Barrier]):
            case MessageKind.Lock when TryLock(_mutexes[request.Mutex], thread):
                _signals.Return(thread, core);
                break;
            case MessageKind.Wait:
                _eventWaiters.Add((request.Event, thread));
                _signals.PutToSleep(thread, core);
                break;
            case MessageKind.Barrier:
                _barriers[request.Barrier].Waiting.Add(thread);
                _signals.PutToSleep(thread, core);
                break;
            case MessageKind.Lock:
                _mutexes[request.Mutex].Waiting.Enqueue(thread);
                _signals.PutToSleep(thread, core);
                break;
            case MessageKind.Unlock:
                Unlock(_mutexes[request.Mutex], thread);
                break;
            case MessageKind.Sleep:
                _signals.PutToSleep(thread, core);
                _signals.SetAlarm(thread, request.Duration);
                break;
            case MessageKind.StartThread:
                _living++;
                Wake(new ThreadId(_first + request.StartedIndex));
                _signals.Return(thread, core);
                break;
            case MessageKind.Migrate:
                _coreOf[thread.Value - _first] = request.Target;
                Wake(thread);
                break;
            default:
                _living--;
                if (_living == 0)
                {
                    _signals.EndProcess(thread, core);
                }
                else
                {
                    _signals.Return(thread, core);
                }

                break;
        }
    }

    /// <summary>A thread's sleep is over.</summary>
    public void EndSleep(ThreadId thread) => Wake(thread);

    /// <summary>What waits for which other thread, one line a thread, for a run that cannot go on.</summary>
    public IEnumerable<string> DescribeWaits()
    {
        foreach ((int number, ThreadId thread) in _eventWaiters)
        {
            yield return $"{_process}: {Describe(thread)} waits for event {number}";
        }

        for (int i = 0; i < _barriers.Length; i++)
        {
            foreach (ThreadId thread in _barriers[i].Waiting)
            {
                yield return $"{_process}: {Describe(thread)} waits at barrier {i} with {_barriers[i].Waiting.Count} of "
                    + $"{_barriers[i].Parties} parties";
            }
        }

        for (int i = 0; i < _mutexes.Length; i++)
        {
            foreach (ThreadId thread in _mutexes[i].Waiting)
            {
                yield return $"{_process}: {Describe(thread)} waits for mutex {i}, held by {Describe(_mutexes[i].Owner!.Value)}";
            }
        }
    }

    /// <summary>A thread's number and name.</summary>
    public string Describe(ThreadId thread) => $"thread {thread} ({ProgramOf(thread).Name})";

    private void Signal(int number)
    {
        if (_events[number])
        {
            return;
        }

        _events[number] = true;
        for (int i = 0; i < _eventWaiters.Count;)
        {
            if (_eventWaiters[i].Event == number)
            {
                Wake(_eventWaiters[i].Thread);
                _eventWaiters.RemoveAt(i);
            }
            else
            {
                i++;
            }
        }
    }

    private bool PassBarrier(Barrier barrier)
    {
        if (barrier.Waiting.Count + 1 < barrier.Parties)
        {
            return false;
        }

        foreach (ThreadId thread in barrier.Waiting)
        {
            Wake(thread);
        }

        barrier.Waiting.Clear();
        return true;
    }

    private static bool TryLock(Mutex mutex, ThreadId thread)
    {
        if (mutex.Owner is not null)
        {
            return false;
        }

        mutex.Owner = thread;
        return true;
    }

    private void Unlock(Mutex mutex, ThreadId thread)
    {
        if (mutex.Owner != thread)
        {
            string holder = mutex.Owner is { } other ? Describe(other) : "no thread";
            throw new InvalidOperationException($"{Describe(thread)} of {_process} unlocks a mutex that {holder} holds");
        }

        mutex.Owner = mutex.Waiting.TryDequeue(out ThreadId next) ? next : null;
        if (mutex.Owner is { } owner)
        {
            Wake(owner);
        }
    }

    private void Wake(ThreadId thread) => _signals.Wake(thread, _coreOf[thread.Value - _first]);
}
