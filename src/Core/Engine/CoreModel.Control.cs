using VmSim.Core.Addresses;
using VmSim.Core.Programs;
using VmSim.Core.Shootdown;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Engine;

/// <content>Operations that are no access of user mode, and the ways into the kernel.</content>
public sealed partial class CoreModel
{
    private void RunControl(SimThread thread, Operation operation, long until)
    {
        long argument = (long)operation.Argument;
        switch (operation.Control)
        {
            case ControlKind.Compute:
                Compute(thread, argument, until);
                return;
            case ControlKind.KernelLoad or ControlKind.KernelStore:
                KernelAccess(thread, operation);
                return;
            case ControlKind.SystemCall:
                thread.Position++;
                Call(thread, (int)argument);
                return;
            case ControlKind.Exit:
                ExitThread(thread);
                return;
            default:
                thread.Position++;
                break;
        }

        int number = (int)argument;
        long notice = _clock + _delays.Notice.Value;
        switch (operation.Control)
        {
            case ControlKind.Signal:
                Send(SimMessage.Of(ThreadRequest.Signal(thread.Id, number)), thread.Space, notice);
                break;
            case ControlKind.Unlock:
                Send(SimMessage.Of(ThreadRequest.Unlock(thread.Id, number)), thread.Space, notice);
                break;
            case ControlKind.Wait:
                Synchronize(thread, SimMessage.Of(ThreadRequest.Wait(thread.Id, number)));
                break;
            case ControlKind.Await:
                Await(thread, TrapKind.Order, SimMessage.Of(ThreadRequest.Wait(thread.Id, number)));
                break;
            case ControlKind.SpinBarrier:
                Await(thread, TrapKind.Spin, SimMessage.Of(ThreadRequest.EnterBarrier(thread.Id, number)));
                break;
            case ControlKind.Lock:
                Synchronize(thread, SimMessage.Of(ThreadRequest.Lock(thread.Id, number)));
                break;
            case ControlKind.Barrier:
                Synchronize(thread, SimMessage.Of(ThreadRequest.EnterBarrier(thread.Id, number)));
                break;
            case ControlKind.Sleep:
                Synchronize(thread, SimMessage.Of(ThreadRequest.Sleep(thread.Id, new Cycles(argument))));
                break;
            case ControlKind.StartThread:
                Synchronize(thread, SimMessage.Of(ThreadRequest.Start(thread.Id, number)));
                break;
            case ControlKind.Fork:
                Synchronize(thread, SimMessage.Of(new ForkEntry(thread.Id, number)));
                break;
            case ControlKind.Migrate:
                Migrate(thread, new CoreId(number), notice);
                break;
            case ControlKind.Yield when _ready.Count > 0:
                RequeueCurrent();
                break;
            case ControlKind.Yield:
                break;
            default:
                throw new InvalidOperationException(
                    $"thread {thread.Id} ({thread.Name}) has an operation of unknown kind {operation.Control}");
        }
    }

    private void Compute(SimThread thread, long cycles, long until)
    {
        long now = Math.Min(cycles, until - _clock);
        _clock += now;
        Cycles[CoreCycles.User] += now;
        if (now == cycles)
        {
            thread.Position++;
        }
        else
        {
            thread.Buffer[thread.Position] = Operation.ControlWord(ControlKind.Compute, (ulong)(cycles - now));
        }
    }

    private void KernelAccess(SimThread thread, Operation operation)
    {
        if (!_kernelAccesses)
        {
            thread.Position++;
            return;
        }

        AccessKind kind = operation.Control == ControlKind.KernelStore ? AccessKind.Store : AccessKind.Load;
        long before = Counters[CoreCounters.Accesses];
        RunMiss(thread, Operation.Access(kind, operation.Argument << PageSizes.BaseShift), userMode: false);
        Counters[CoreCounters.KernelAccesses] += Counters[CoreCounters.Accesses] - before;
    }

    private void Call(SimThread thread, int index)
    {
        SystemCall call = thread.SystemCalls[index];
        Counters[CoreCounters.SystemCalls]++;
        if (call.Kind == SystemCallKind.Other)
        {
            long cycles = Kernel.SystemCallEntryCycles + Kernel.OtherCallCycles + Kernel.TrapReturnCycles
                + SwitchIn() + SwitchOut() + PayOwed();
            Cycles[CoreCycles.Syscall] += cycles;
            _clock += cycles;
            _kernelUntil = _clock;
            return;
        }

        thread.TrapCall = call;
        EnterKernel(
            thread,
            TrapKind.SystemCall,
            SimMessage.Of(new SystemCallEntry(thread.Id, index, _shootdown.TrapWord(thread.Space))),
            _delays.SystemCall.Value);
    }

    private void Synchronize(SimThread thread, SimMessage request) =>
        EnterKernel(thread, TrapKind.Synchronization, request, _delays.SystemCall.Value);

    private void Migrate(SimThread thread, CoreId target, long notice)
    {
        Send(SimMessage.Of(ThreadRequest.Migrate(thread.Id, target)), thread.Space, notice);
        thread.Home = target;
        Departures?.Add((thread, target));
        EnterScheduler();
        PickNext();
    }

    /// <summary>The thread asks for what it waits for and keeps the core meanwhile.</summary>
    private void Await(SimThread thread, TrapKind trap, SimMessage request)
    {
        _awaiting.Add(thread);
        EnterKernel(thread, trap, request, _delays.SystemCall.Value);
    }

    private void EnterKernel(SimThread thread, TrapKind trap, SimMessage message, long delay)
    {
        thread.Trap = trap;
        thread.TrapBegan = _clock;
        _trapDue = _clock + delay + SwitchIn();
        Send(message, thread.Space, _trapDue);
        if (_park)
        {
            PickNext();
            return;
        }

        State = CoreState.Trapped;
        _timeline?.BeginTrap(trap, _clock);
        foreach (SimThread ready in _ready)
        {
            if (ready.Resumes > 0)
            {
                SendResched();
                return;
            }
        }
    }

    private void ExitThread(SimThread thread)
    {
        thread.Ended = _clock;
        thread.Close();
        EnterKernel(thread, TrapKind.Exit, SimMessage.Of(ThreadRequest.Exit(thread.Id)), _delays.SystemCall.Value);
    }
}
