namespace VmSim.Actors.Cluster;

/// <content>A run is written down: its nodes stop, send what they have come to, and begin anew when that is on the disk.</content>
internal sealed partial class Job
{
    /// <summary>It is time to write the run down.</summary>
    public JobAction OnPeriod() => _phase == Phase.Running ? JobAction.Stop : JobAction.Wait;

    /// <summary>A piece of what a node has come to has come.</summary>
    public JobAction OnSaved(NodeShardProtocol.Saved saved)
    {
        if (_phase != Phase.Saving || !IsWhole(saved.Node, saved.Bytes, saved.Pieces) || !_pending.Remove(saved.Node) || _pending.Count > 0)
        {
            return JobAction.Wait;
        }

        IReadOnlyList<byte[]>[] parts = [.. Enumerable.Range(0, Nodes.Count).Select(TakePieces)];
        Keep = () => submit.Checkpoints!.Keep(parts);
        _phase = Phase.Keeping;
        return JobAction.Keep;
    }

    /// <summary>What the nodes have come to is written down.</summary>
    public JobAction OnKept()
    {
        if (_phase != Phase.Keeping)
        {
            return JobAction.Wait;
        }

        Keep = null;
        if (_stopAsked)
        {
            return Collect();
        }

        // A large world takes longer to begin than a short period lasts, and must come farther all the same.
        Period += _windows == _windowsKept ? Period : TimeSpan.Zero;
        _windowsKept = _windows;
        (_completed, _end) = (true, null);
        return Begin();
    }

    /// <summary>What the nodes have come to could not be written down.</summary>
    public JobAction OnNotKept(Exception reason) => Fail(reason);
}
