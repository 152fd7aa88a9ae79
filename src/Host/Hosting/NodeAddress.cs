using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using VmSim.Actors.Configuration;
using VmSim.Core.Settings;

namespace VmSim.Host.Hosting;

/// <summary>Where a node listens, and why it cannot: in words for the person who named the address.</summary>
internal static class NodeAddress
{
    /// <summary>Makes sure that an address is one that others can be told.</summary>
    /// <param name="host">Address on which the node is to listen.</param>
    /// <exception cref="ScenarioException">It is not.</exception>
    public static void RequireHost(string host)
    {
        if (Uri.CheckHostName(host) == UriHostNameType.Unknown)
        {
            throw new ScenarioException($"{HostKey}: \"{host}\" is no address and no name of a host");
        }

        if (IPAddress.TryParse(host, out IPAddress? address) && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any)))
        {
            throw new ScenarioException(
                $"{HostKey}: {host} stands for all addresses; others need one that they can call. This machine has {Own()}");
        }
    }

    /// <summary>Makes sure that those whom a node joins can reach it.</summary>
    /// <param name="host">Address on which the node listens.</param>
    /// <param name="join">Host that it joins.</param>
    /// <exception cref="ScenarioException">They cannot, or there is no such host.</exception>
    public static async Task RequireReachableAsync(string host, string join)
    {
        IPAddress[] there = await ResolveAsync("--join", join);
        IPAddress[] here = await ResolveAsync(HostKey, host);
        if (Array.TrueForAll(here, IPAddress.IsLoopback) && !Array.Exists(there, IsOwn))
        {
            throw new ScenarioException(
                $"{HostKey}: {host} can be reached from this machine only, and {join} is another; "
                + $"name an address that it can reach: --set {HostKey}={Toward(there[0])}");
        }
    }

    /// <summary>What to say when a node could not start to listen; null if that is not what went wrong.</summary>
    /// <param name="reason">What went wrong.</param>
    /// <param name="host">Address on which it was to listen.</param>
    /// <param name="port">Its port.</param>
    public static string? Explain(Exception reason, string host, int port)
    {
        for (Exception? cause = reason; cause is not null; cause = cause.InnerException)
        {
            if (cause is SocketException socket)
            {
                return Explain(socket, host, port);
            }
        }

        return null;
    }

    private const string HostKey = ClusterSettings.Prefix + "host";

    private static string Explain(SocketException reason, string host, int port) => reason.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse =>
            $"cluster.port: {host}:{port} is in use by another process; take another port, or 0 for a free one: --set cluster.port=0",
        SocketError.AddressNotAvailable => $"{HostKey}: {host} is no address of this machine, which has {Own()}",
        SocketError.AccessDenied => $"cluster.port: {host}:{port} may not be used by this user; ports from 1024 on may",
        SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData => Unknown(HostKey, host, reason),
        _ => $"{HostKey}: {host}:{port} cannot be listened on: {reason.Message}",
    };

    private static string Unknown(string key, string host, SocketException reason) =>
        $"{key}: no host \"{host}\" is known here ({reason.Message}); check the name, or give an address";

    private static async Task<IPAddress[]> ResolveAsync(string key, string host)
    {
        try
        {
            return await Dns.GetHostAddressesAsync(host);
        }
        catch (SocketException reason)
        {
            throw new ScenarioException(Unknown(key, host, reason), reason);
        }
    }

    private static bool IsOwn(IPAddress address) => IPAddress.IsLoopback(address) || OwnAddresses().Contains(address);

    private static string Own() => string.Join(", ", OwnAddresses());

    private static IEnumerable<IPAddress> OwnAddresses() =>
        NetworkInterface.GetAllNetworkInterfaces()
            .SelectMany(card => card.GetIPProperties().UnicastAddresses)
            .Select(item => item.Address)
            .Where(address => !address.IsIPv6LinkLocal);

    /// <summary>This machine's address on the way to another; nothing is sent.</summary>
    private static string Toward(IPAddress there)
    {
        try
        {
            using Socket socket = new(there.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            socket.Connect(there, 1);
            return ((IPEndPoint)socket.LocalEndPoint!).Address.ToString();
        }
        catch (SocketException)
        {
            return "ADDRESS";
        }
    }
}
