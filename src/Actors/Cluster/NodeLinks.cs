using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using VmSim.Actors.Security;
using VmSim.Actors.Simulation;

namespace VmSim.Actors.Cluster;

/// <summary>
/// A node's connections to those that it shares domains with, beside Akka's: TLS in which both sides show a certificate of their one
/// authority. Of two nodes the one with the higher number calls the other. The caller says who it is and shows the token that the other
/// has told the run's coordinator.
/// </summary>
/// <param name="certificate">Who this node is.</param>
/// <param name="policy">Whom it talks to.</param>
public sealed class NodeLinks(NodeCertificate certificate, PeerPolicy policy) : IPeerLinks, IDisposable
{
    /// <summary>How long a caller has to show who it is.</summary>
    private static readonly TimeSpan HandshakeMax = TimeSpan.FromSeconds(15);

    /// <summary>Callers that may be at it at once; further ones wait.</summary>
    private const int HandshakesMax = 16;

    /// <summary>A caller's token and number.</summary>
    private const int HelloBytes = LinkAddress.TokenBytes + sizeof(int);

    private const SslProtocols Protocols = SslProtocols.Tls12 | SslProtocols.Tls13;
    private readonly Guid _token = new(RandomNumberGenerator.GetBytes(LinkAddress.TokenBytes));
    private readonly Socket _listener = new(SocketType.Stream, ProtocolType.Tcp);
    private readonly Lock _lock = new();
    private readonly HashSet<Socket> _sockets = [];
    private readonly Dictionary<int, NodeLink> _links = [];
    private volatile int _node;
    private bool _over;

    /// <summary>Where it listens: address or name of the host.</summary>
    public string Host { get; private set; } = "";

    /// <summary>Listens for others; they are answered from <see cref="Connect"/> on.</summary>
    /// <param name="host">Address or name of the host, as the actor system has it.</param>
    public LinkAddress Listen(string host)
    {
        Host = host;
        _listener.Bind(new IPEndPoint(AddressOf(host), 0));
        _listener.Listen(RunPlan.NodesMax);
        return new LinkAddress(((IPEndPoint)_listener.LocalEndPoint!).Port, _token);
    }

    /// <summary>
    /// Calls those of lower number and waits for the calls of the others; comes back when all are connected. A stranger who calls meanwhile
    /// is turned away.
    /// </summary>
    /// <param name="node">This node's number.</param>
    /// <param name="peers">The others.</param>
    /// <param name="at">Where each of them listens.</param>
    /// <exception cref="IOException">A node cannot be reached, or is somebody else.</exception>
    public void Connect(int node, IReadOnlyCollection<int> peers, Func<int, (string Host, LinkAddress Address)> at)
    {
        ArgumentNullException.ThrowIfNull(at);
        _node = node;
        foreach (int peer in peers.Where(peer => peer < node).Order())
        {
            (string host, LinkAddress address) = at(peer);
            try
            {
                Call(node, peer, host, address);
            }
            catch (Exception reason) when (reason is SocketException or AuthenticationException or IOException or ObjectDisposedException)
            {
                throw new IOException($"node {peer + 1} cannot be reached at {host}:{address.Port}: {reason.Message}", reason);
            }
        }

        AcceptAll([.. peers.Where(peer => peer > node)]);
        _listener.Dispose();
    }

    /// <summary>Begins to take envelopes.</summary>
    /// <param name="received">Takes each envelope, on its link's thread.</param>
    /// <param name="ended">Called when the connection to a node breaks or brings what is not allowed.</param>
    public void Start(Action<DomainProtocol.Envelope> received, Action<int, Exception> ended)
    {
        foreach (NodeLink link in _links.Values)
        {
            link.Start(received, ended);
        }
    }

    /// <inheritdoc/>
    public void Send(int peer, int domain, ReadOnlySpan<byte> envelope) => _links[peer].Send(domain, envelope);

    /// <summary>Closes all connections, also those that are being made.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _over = true;
            foreach (NodeLink link in _links.Values)
            {
                link.Dispose();
            }

            foreach (Socket socket in _sockets)
            {
                socket.Dispose();
            }

            _listener.Dispose();
        }
    }

    private static IPAddress AddressOf(string host)
    {
        if (IPAddress.TryParse(host, out IPAddress? address))
        {
            return address;
        }

        IPAddress[] known = Dns.GetHostAddresses(host);
        return known.FirstOrDefault(known => known.AddressFamily == AddressFamily.InterNetwork) ?? known[0];
    }

    private SslStream Secured(Socket socket)
    {
        // Each phase waits for its envelopes, so that none must lie around to be sent with more.
        socket.NoDelay = true;
        return new SslStream(new NetworkStream(socket), false, (_, shown, _, _) => policy.Refusal(shown as X509Certificate2) is null);
    }

    /// <summary>
    /// Only calls that wait, here and in <see cref="NodeLink"/>: a socket on which others were made wakes a second thread.
    /// </summary>
    private void Call(int node, int peer, string host, LinkAddress address)
    {
        Socket socket = Begun(new Socket(SocketType.Stream, ProtocolType.Tcp));
        socket.Connect(new IPEndPoint(AddressOf(host), address.Port));
        SslStream stream = Secured(socket);
        stream.AuthenticateAsClient(new SslClientAuthenticationOptions
        {
            TargetHost = host,
            ClientCertificates = [certificate.Certificate],
            EnabledSslProtocols = Protocols,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        });
        byte[] hello = new byte[HelloBytes];
        address.Token.TryWriteBytes(hello);
        BinaryPrimitives.WriteInt32LittleEndian(hello.AsSpan(LinkAddress.TokenBytes), node);
        stream.Write(hello);
        byte[] answer = new byte[sizeof(int)];
        stream.ReadExactly(answer);
        if (BinaryPrimitives.ReadInt32LittleEndian(answer) != peer)
        {
            throw new IOException("another node answered");
        }

        Keep(new NodeLink(peer, socket, stream));
    }

    private void AcceptAll(HashSet<int> missing)
    {
        SemaphoreSlim room = new(HandshakesMax);
        while (!HasAll())
        {
            room.Wait();
            try
            {
                Socket caller = Begun(_listener.Accept());
                _ = Task.Run(() =>
                {
                    Answer(caller, missing);
                    room.Release();
                });
            }
            catch (Exception reason) when ((reason is SocketException or ObjectDisposedException) && HasAll())
            {
                // The last caller's answer closed the listener.
            }
        }

        bool HasAll()
        {
            lock (_lock)
            {
                return missing.Count == 0;
            }
        }
    }

    private void Answer(Socket caller, HashSet<int> missing)
    {
        using CancellationTokenSource patience = new(HandshakeMax);
        using CancellationTokenRegistration end = patience.Token.Register(caller.Dispose);
        try
        {
            SslStream stream = Secured(caller);
            stream.AuthenticateAsServer(new SslServerAuthenticationOptions
            {
                ServerCertificate = certificate.Certificate,
                ClientCertificateRequired = true,
                EnabledSslProtocols = Protocols,
                CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            });
            byte[] hello = new byte[HelloBytes];
            stream.ReadExactly(hello);
            int peer = BinaryPrimitives.ReadInt32LittleEndian(hello.AsSpan(LinkAddress.TokenBytes));
            if (CryptographicOperations.FixedTimeEquals(hello.AsSpan(0, LinkAddress.TokenBytes), _token.ToByteArray()))
            {
                Welcome(peer, new NodeLink(peer, caller, stream), stream, missing);
                return;
            }
        }
        catch (Exception reason) when (
            reason is IOException or SocketException or AuthenticationException or ObjectDisposedException or InvalidOperationException)
        {
            // A stranger, or a node that was lost, which the cluster tells of.
        }

        caller.Dispose();
    }

    private void Welcome(int peer, NodeLink link, SslStream stream, HashSet<int> missing)
    {
        lock (_lock)
        {
            if (!missing.Contains(peer))
            {
                link.Dispose();
                return;
            }
        }

        byte[] answer = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(answer, _node);
        stream.Write(answer);
        Keep(link);
        lock (_lock)
        {
            missing.Remove(peer);
            if (missing.Count == 0)
            {
                _listener.Dispose();
            }
        }
    }

    /// <summary>Notes a socket, so that it can be closed.</summary>
    private Socket Begun(Socket socket)
    {
        lock (_lock)
        {
            if (_over)
            {
                socket.Dispose();
            }

            _sockets.RemoveWhere(other => other.SafeHandle.IsClosed);
            _sockets.Add(socket);
            return socket;
        }
    }

    private void Keep(NodeLink link)
    {
        lock (_lock)
        {
            if (_over || !_links.TryAdd(link.Peer, link))
            {
                link.Dispose();
            }
        }
    }
}
