namespace VmSim.Host.Service;

/// <summary>What a node has of a job that several have together, and that another one leads.</summary>
/// <param name="node">The node.</param>
/// <param name="leader">The job, as the node that leads has it.</param>
/// <param name="order">What the node is told once that one waits for it; null if it was told before.</param>
internal sealed class GangPart(ServiceNode node, NodeJob leader, NodeOrder? order)
{
    /// <summary>The node.</summary>
    public ServiceNode Node => node;

    /// <summary>The job, as the node that leads has it.</summary>
    public NodeJob Leader => leader;

    /// <summary>Number of the beat whose answer has the order.</summary>
    public long GivenAt { get; private set; } = order is null ? 0 : NodeJob.Undelivered;

    /// <summary>Takes the order for an answer; null if it has been taken, or nobody waits for the node yet.</summary>
    /// <param name="number">Number of the beat that is answered.</param>
    public NodeOrder? TakeOrder(long number)
    {
        if (GivenAt != NodeJob.Undelivered || leader.Address.Length == 0 || leader.IsOver)
        {
            return null;
        }

        GivenAt = number;
        return order! with { Gang = order.Gang! with { Join = leader.Address } };
    }
}
