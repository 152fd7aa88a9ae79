using Akka.Actor;
using Akka.Util;

namespace VmSim.Actors.Cluster;

/// <summary>The nodes that have joined the cluster and can take part in runs: those of the coordinator's own build.</summary>
internal sealed class Workers
{
    private readonly SortedDictionary<string, Address> _addresses = new(StringComparer.Ordinal);

    /// <summary>Addresses of the nodes, in an order that does not depend on when they joined.</summary>
    public IReadOnlyCollection<Address> Addresses => _addresses.Values;

    /// <summary>What to say of nodes that joined and cannot take part; empty for none.</summary>
    public string Misfits { get; private set; } = "";

    /// <summary>A node has joined.</summary>
    /// <param name="address">Its address.</param>
    /// <param name="version">Its build.</param>
    /// <param name="build">The coordinator's build.</param>
    /// <returns>Null if it can take part, else why it cannot.</returns>
    public string? Add(Address address, AppVersion version, AppVersion build)
    {
        if (version.Equals(build))
        {
            _addresses[address.ToString()] = address;
            return null;
        }

        string misfit = $"node {address.Host}:{address.Port} has another build of vmsim ({version}; here {build}) and is left out";
        Misfits += $"; {misfit}";
        return misfit;
    }

    /// <summary>A node has left, or serves no further run.</summary>
    public void Remove(Address address) => _addresses.Remove(address.ToString());
}
