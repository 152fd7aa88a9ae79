using System.Diagnostics;
using VmSim.Core.Shootdown;

namespace VmSim.Core.Engine;

/// <content>What holds between the parts of a core's state, asserted in Debug builds at the end of each window.</content>
public sealed partial class CoreModel
{
    [Conditional("DEBUG")]
    private void AssertConsistent(long clockBefore)
    {
        Debug.Assert(_clock >= clockBefore, "a core's time went back");
        bool hasNothing = State is CoreState.Idle or CoreState.Awaiting;
        Debug.Assert(hasNothing == _thread is null, "a core that has something to do has no thread, or one without has one");
        Debug.Assert(!hasNothing || _ready.Count == 0, "a core does nothing while threads are ready");
        Debug.Assert(State != CoreState.Awaiting || Awaited() is not null, "a core keeps a thread that does not wait");
        Debug.Assert(State == CoreState.Awaiting || _thread is not null || Awaited() is null, "a core idles beside a thread that waits");
        Debug.Assert(!_lazy || (State == CoreState.Idle && _loadedSpace >= 0), "a core is lazy with nothing loaded, or while it runs");
        Debug.Assert(
            State is not (CoreState.Running or CoreState.Trapped) || _loadedSpace == _thread!.Space.Value || _thread.Trap == TrapKind.Exit,
            "a core runs a thread of a space that is not loaded");
    }
}
