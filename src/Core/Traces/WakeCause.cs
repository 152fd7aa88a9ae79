namespace VmSim.Core.Traces;

/// <summary>What ended the sleep of a thread, as far as the tool that recorded it could tell.</summary>
public enum WakeCause : byte
{
    /// <summary>Time, or something outside of the process: a timeout, a packet, another process.</summary>
    Outside,

    /// <summary>Not known: another thread of the process if any did something meanwhile.</summary>
    Unknown,

    /// <summary>Another thread of the process, which is known.</summary>
    Thread,
}
