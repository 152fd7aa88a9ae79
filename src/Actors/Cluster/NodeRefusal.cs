using VmSim.Core.Settings;
using VmSim.Core.Traces;

namespace VmSim.Actors.Cluster;

/// <summary>What a node says of a run whose world it cannot build.</summary>
internal static class NodeRefusal
{
    /// <summary>Messages about files stay on the node: what lies where on it is its owner's.</summary>
    /// <param name="node">The node's number.</param>
    /// <param name="failure">What went wrong.</param>
    public static object Of(int node, Exception failure) => failure switch
    {
        AggregateException { InnerException: { } inner } => Of(node, inner),
        ScenarioException or TraceFormatException => new NodeProtocol.Refused(node, failure.Message),
        IOException or UnauthorizedAccessException => new NodeProtocol.Refused(node, "a file of the run cannot be read there"),
        _ => new NodeShardProtocol.Failed(node, failure.ToString()),
    };
}
