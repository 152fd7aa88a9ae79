using VmSim.Core.Addresses;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Checking;

/// <content>Every acknowledgement belongs to an invalidation that was sent, and comes once.</content>
internal sealed partial class SpaceChecker
{
    private readonly Dictionary<(long Shootdown, int Core), SentInvalidation> _unacknowledged = [];

    /// <summary>The last acknowledgement of each core, and what it was for.</summary>
    private readonly Dictionary<int, (long Shootdown, SentInvalidation Sent)> _acknowledged = [];

    /// <inheritdoc/>
    public void Sent(long id, long shootdown, CoreId core, long leaves, long due, InvalidationWay way)
    {
        SentInvalidation invalidation = new(core, leaves, due, way);
        if (_operations.TryGetValue(id, out OperationTrace? operation))
        {
            operation.Invalidations.Add(invalidation);
        }

        if (invalidation.Way != InvalidationWay.Local)
        {
            _unacknowledged[(shootdown, invalidation.Core.Value)] = invalidation;
        }
    }

    /// <inheritdoc/>
    public bool Acknowledged(long shootdown, CoreId from, long now)
    {
        if (_unacknowledged.Remove((shootdown, from.Value), out SentInvalidation? invalidation))
        {
            invalidation.AcknowledgedAt = now;
            _acknowledged[from.Value] = (shootdown, invalidation);
            return true;
        }

        TraceLines lines = new();
        bool again = _acknowledged.TryGetValue(from.Value, out (long Shootdown, SentInvalidation Sent) last) && last.Shootdown == shootdown;
        if (again)
        {
            lines.AddSent(last.Sent, $" for shootdown {shootdown}", now)
                .Add(last.Sent.AcknowledgedAt, $"core {from}'s acknowledgement is there");
        }

        string message = again
            ? $"core {from} acknowledges shootdown {shootdown} a second time"
            : $"core {from} acknowledges shootdown {shootdown}, for which it was sent no interrupt";
        Report(CheckRule.StrayAcknowledgement, now, message, lines.Add(now, message));
        return false;
    }
}
