using VmSim.Core.Addresses;
using VmSim.Core.Programs;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Kernel;

/// <content>Threads of the process: starts, ends, sleeps, and what they wait for from each other.</content>
public sealed partial class AddressSpace
{
    private readonly bool[] _events;
    private readonly Barrier[] _barriers;
    private readonly Mutex[] _mutexes;
    private readonly List<(int Event, ThreadId Thread)> _eventWaiters = [];

    /// <summary>The core on which each thread of the process is to run.</summary>
    private readonly CoreId[] _coreOf;

    private sealed record Barrier(int Parties, List<ThreadId> Waiting);

    private sealed class Mutex
    {
        public ThreadId? Owner { get; set; }

        public Queue<ThreadId> Waiting { get; } = new();
    }

    private ThreadProgram ThreadOf(ThreadId thread) => Image.Threads[thread.Value - FirstThread];

    /// <summary>Wakes the threads of a process that a fork has made.</summary>
    private void WakeMainThreads(long now)
    {
        _now = now;
        for (int i = 0; i < Image.Threads.Count; i++)
        {
            if (Image.Threads[i].StartsRunnable)
            {
                Wake(new ThreadId(FirstThread + i));
            }
        }
    }

    private void HandleSynchronization(CoreId core, in SimMessage message)
    {
        if (message.Kind is < MessageKind.Signal or > MessageKind.Migrate)
        {
            throw new InvalidOperationException($"space {Space} got a {message.Kind}, which is not for spaces");
        }

        ThreadRequest request = message.AsThreadRequest();
        ThreadId thread = request.Thread;
        switch (request.Kind)
        {
            case MessageKind.Signal:
                HappenEvent(request.Event);
                break;
            case MessageKind.Wait when _events[request.Event]:
            case MessageKind.Barrier when PassBarrier(_barriers[request.Barrier]):
            case MessageKind.Lock when TakeMutex(_mutexes[request.Mutex], thread):
                ReturnTo(core, thread);
                break;
            case MessageKind.Wait:
                _eventWaiters.Add((request.Event, thread));
                PutToSleep(core, thread);
                break;
            case MessageKind.Barrier:
                _barriers[request.Barrier].Waiting.Add(thread);
                PutToSleep(core, thread);
                break;
            case MessageKind.Lock:
                _mutexes[request.Mutex].Waiting.Enqueue(thread);
                PutToSleep(core, thread);
                break;
            case MessageKind.Unlock:
                Unlock(_mutexes[request.Mutex], thread);
                break;
            case MessageKind.Sleep:
                PutToSleep(core, thread);
                SendToSelf(SimMessage.Of(new SleepEnd(thread)), _now + Math.Max(request.Duration.Value, _delays.Service));
                break;
            case MessageKind.StartThread:
                Wake(new ThreadId(FirstThread + request.Started));
                ReturnTo(core, thread);
                break;
            case MessageKind.Migrate:
                _coreOf[thread.Value - FirstThread] = request.Target;
                Wake(thread);
                break;
            default:
                break;
        }
    }

    private void HappenEvent(int number)
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

    private static bool TakeMutex(Mutex mutex, ThreadId thread)
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
            throw new InvalidOperationException($"thread {thread} ({ThreadOf(thread).Name}) of {Name} gives back a mutex that {(mutex.Owner is { } holder ? $"thread {holder} holds" : "nobody holds")}");
        }

        mutex.Owner = mutex.Waiting.TryDequeue(out ThreadId next) ? next : null;
        if (mutex.Owner is { } owner)
        {
            Wake(owner);
        }
    }

    private void ReturnTo(CoreId core, ThreadId thread) => SendToCore(SimMessage.Of(new TrapReturn(thread)), core, _now + _delays.Service + _delays.Return);

    private void PutToSleep(CoreId core, ThreadId thread) => SendToCore(SimMessage.Of(new TrapSleep(thread)), core, _now + _delays.Service + _delays.Return);

    private void Wake(ThreadId thread) => SendToCore(SimMessage.OfWake(new TrapReturn(thread)), _coreOf[thread.Value - FirstThread], WakeTime);
}
