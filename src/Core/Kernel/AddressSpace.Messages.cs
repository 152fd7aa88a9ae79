using VmSim.Core.Addresses;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Kernel;

/// <content>What it sends to cores and to itself, and when that is there.</content>
public sealed partial class AddressSpace : IThreadSignals
{
    /// <inheritdoc/>
    void IThreadSignals.Return(ThreadId thread, CoreId core) => SendToCore(SimMessage.Of(new TrapReturn(thread)), core, ReturnTime);

    /// <inheritdoc/>
    void IThreadSignals.PutToSleep(ThreadId thread, CoreId core) => SendToCore(SimMessage.Of(new TrapSleep(thread)), core, ReturnTime);

    /// <inheritdoc/>
    void IThreadSignals.Wake(ThreadId thread, CoreId core) => SendToCore(SimMessage.OfWake(new TrapReturn(thread)), core, WakeTime);

    /// <inheritdoc/>
    void IThreadSignals.SetAlarm(ThreadId thread, Cycles duration) =>
        SendToSelf(SimMessage.Of(new SleepEnd(thread)), _now + Math.Max(duration.Value, _delays.Service.Value));

    /// <summary>When an answer that is sent now reaches its core.</summary>
    private long ReturnTime => _now + _delays.Service.Value + _delays.Return.Value;

    /// <summary>When a thread that is woken now is runnable.</summary>
    private long WakeTime => _now + Math.Max(_delays.Service.Value, Kernel.WakeCycles) + _delays.Return.Value;

    /// <returns>When the message will be there.</returns>
    private long SendToCore(SimMessage message, CoreId core, long due)
    {
        message.Due = due;
        message.Target = core.Value;
        message.Space = Space;
        return Outbox.Add(message).Value;
    }

    private void SendToSelf(MessageKind step, KernelOperation operation, long due) =>
        SendToSelf(SimMessage.Of(new OperationStep(step, operation.Id)), due);

    private void SendToSelf(SimMessage message, long due)
    {
        message.Due = due;
        message.Target = Outbox.Sender;
        message.Space = Space;
        _group.Deliver(Outbox.Stamp(message));
    }
}
