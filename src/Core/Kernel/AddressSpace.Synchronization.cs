using VmSim.Core.Programs;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Kernel;

/// <content>Threads of the process: starts, ends, sleeps, and what they wait for from each other.</content>
public sealed partial class AddressSpace
{
    private readonly bool[] _events;
    private readonly Barrier[] _barriers;
    private readonly Mutex[] _mutexes;
    private readonly List<(long Event, int Thread)> _eventWaiters = [];

    /// <summary>The core on which each thread of the process is to run.</summary>
    private readonly int[] _coreOf;

    private sealed record Barrier(int Parties, List<int> Waiting);

    private sealed class Mutex
    {
        public int Owner { get; set; } = -1;

        public Queue<int> Waiting { get; } = new();
    }

    private ThreadProgram ThreadOf(int thread) => Image.Threads[thread - FirstThread];

    /// <summary>Wakes the threads of a process that a fork has made.</summary>
    private void WakeMainThreads(long now)
    {
        _now = now;
        for (int i = 0; i < Image.Threads.Count; i++)
        {
            if (Image.Threads[i].StartsRunnable)
            {
                Wake(FirstThread + i);
            }
        }
    }

    private void HandleSynchronization(in SimMessage message)
    {
        int thread = (int)message.A;
        switch (message.Kind)
        {
            case MessageKind.Signal:
                HappenEvent(message.B);
                break;
            case MessageKind.Wait when _events[message.B]:
            case MessageKind.Barrier when PassBarrier(_barriers[message.B]):
            case MessageKind.Lock when TakeMutex(_mutexes[message.B], thread):
                ReturnTo(message.Sender, thread);
                break;
            case MessageKind.Wait:
                _eventWaiters.Add((message.B, thread));
                PutToSleep(message.Sender, thread);
                break;
            case MessageKind.Barrier:
                _barriers[message.B].Waiting.Add(thread);
                PutToSleep(message.Sender, thread);
                break;
            case MessageKind.Lock:
                _mutexes[message.B].Waiting.Enqueue(thread);
                PutToSleep(message.Sender, thread);
                break;
            case MessageKind.Unlock:
                Unlock(_mutexes[message.B], thread);
                break;
            case MessageKind.Sleep:
                PutToSleep(message.Sender, thread);
                SendToSelf(MessageKind.SleepEnd, _now + Math.Max(message.B, _delays.Service), thread);
                break;
            case MessageKind.SleepEnd:
                Wake(thread);
                break;
            case MessageKind.StartThread:
                Wake(FirstThread + (int)message.B);
                ReturnTo(message.Sender, thread);
                break;
            case MessageKind.Migrate:
                _coreOf[thread - FirstThread] = (int)message.B;
                Wake(thread);
                break;
            case MessageKind.ThreadExit:
                break;
            default:
                throw new InvalidOperationException($"space {Space} got a {message.Kind}, which is not for spaces");
        }
    }

    private void HappenEvent(long number)
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

        foreach (int thread in barrier.Waiting)
        {
            Wake(thread);
        }

        barrier.Waiting.Clear();
        return true;
    }

    private static bool TakeMutex(Mutex mutex, int thread)
    {
        if (mutex.Owner >= 0)
        {
            return false;
        }

        mutex.Owner = thread;
        return true;
    }

    private void Unlock(Mutex mutex, int thread)
    {
        if (mutex.Owner != thread)
        {
            throw new InvalidOperationException($"thread {thread} ({ThreadOf(thread).Name}) of {Name} gives back a mutex that thread {mutex.Owner} holds");
        }

        mutex.Owner = mutex.Waiting.TryDequeue(out int next) ? next : -1;
        if (mutex.Owner >= 0)
        {
            Wake(mutex.Owner);
        }
    }

    private void ReturnTo(int core, int thread) =>
        SendToCore(MessageKind.TrapReturn, core, _now + _delays.Service + _delays.Return, thread, 0, (long)TrapResult.Done);

    private void PutToSleep(int core, int thread) =>
        SendToCore(MessageKind.TrapSleep, core, _now + _delays.Service + _delays.Return, thread);

    private void Wake(int thread) =>
        SendToCore(MessageKind.ThreadWake, _coreOf[thread - FirstThread], WakeTime, thread, 0, (long)TrapResult.Done);
}
