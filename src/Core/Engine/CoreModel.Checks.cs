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
        Debug.Assert(State == CoreState.Idle || _thread is not null, "a core that does not idle has no thread");
        Debug.Assert(State != CoreState.Idle || _ready.Count == 0, "a core idles while threads are ready");
        Debug.Assert(!_lazy || (State == CoreState.Idle && _loadedSpace >= 0), "a core is lazy with nothing loaded, or while it runs");
        Debug.Assert(
            State is not (CoreState.Running or CoreState.Trapped) || _loadedSpace == _thread!.Space.Value,
            "a core runs a thread of a space that is not loaded");
    }
}
