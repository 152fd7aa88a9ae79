using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net.Security;
using System.Net.Sockets;
using VmSim.Actors.Cluster;
using VmSim.Actors.Security;
using VmSim.Actors.Simulation;
using VmSim.Testing;

namespace VmSim.Actors.Tests.Cluster;

/// <summary>Connections between nodes, their strangers and their ends.</summary>
public sealed class NodeLinksTests : IDisposable
{
    private const string Here = "127.0.0.1";
    private readonly List<IDisposable> _open = [];

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public async Task Send_BetweenAllNodes_ComesWholeAndInOrder(int nodes)
    {
        Node[] all = await ConnectedAsync(nodes);
        byte[] large = [.. Enumerable.Range(0, 100_000).Select(i => (byte)(i * i))];
        foreach (Node node in all)
        {
            foreach (Node peer in all.Where(peer => peer != node))
            {
                node.Links.Send(peer.Number, 7, [(byte)node.Number]);
                node.Links.Send(peer.Number, 8, large);
            }
        }

        foreach (Node node in all)
        {
            DomainProtocol.Envelope[] came = node.Take(2 * (nodes - 1));
            foreach (IGrouping<int, DomainProtocol.Envelope> ofPeer in came.GroupBy(envelope => envelope.Peer))
            {
                Assert.Equal([7, 8], ofPeer.Select(envelope => envelope.Domain));
                Assert.Equal([(byte)ofPeer.Key], ofPeer.First().Bytes);
                Assert.Equal(large, ofPeer.Last().Bytes);
            }

            Assert.Equal(nodes - 1, came.DistinctBy(envelope => envelope.Peer).Count());
        }
    }

    [Fact]
    public async Task Connect_StrangersCallToo_TurnsThemAway()
    {
        Node first = Open(0);
        Node second = Open(1);
        Task connected = first.ConnectAsync([1], _ => throw new InvalidOperationException("it calls nobody"));
        using CertificateAuthority other = CertificateAuthority.Create(TimeProvider.System);
        using NodeCertificate strange = other.Issue("stranger");

        // One of another authority, one of no certificate, one that says nothing sensible, one without the token, one of a number that
        // nobody waits for.
        Assert.False(Answered(first, strange, first.Address.Token, 1));
        Assert.False(Answered(first, null, first.Address.Token, 1));
        using (TcpClient noise = new(Here, first.Address.Port))
        {
            noise.GetStream().Write("GET / HTTP/1.0\r\n\r\n"u8);
        }

        using NodeCertificate member = SecureNodes.Certificate("member");
        Assert.False(Answered(first, member, Guid.Empty, 1));
        Assert.False(Answered(first, member, first.Address.Token, 5));
        Assert.False(connected.IsCompleted);

        await Task.WhenAll(connected, second.ConnectAsync([0], _ => (Here, first.Address))).OrHangAsync();
        first.Start();
        second.Links.Send(0, 3, [9]);
        Assert.Equal([9], first.Take(1)[0].Bytes);
    }

    [Fact]
    public async Task Connect_AStrangerListensThere_Fails()
    {
        using CertificateAuthority other = CertificateAuthority.Create(TimeProvider.System);
        using NodeLinks strange = new SecureRemoting(other.Issue("stranger"), TimeProvider.System).Links();
        LinkAddress address = strange.Listen(Here);
        Task answers = Run(() => strange.Connect(0, [1], _ => throw new InvalidOperationException("it calls nobody")));
        Node node = Open(1);
        IOException reason = await Assert.ThrowsAsync<IOException>(() => node.ConnectAsync([0], _ => (Here, address)).OrHangAsync());
        Assert.StartsWith($"node 1 cannot be reached at {Here}:{address.Port}: ", reason.Message, StringComparison.Ordinal);
        strange.Dispose();
        await Assert.ThrowsAnyAsync<Exception>(() => answers.OrHangAsync());
    }

    [Fact]
    public async Task Connect_AnotherNodeAnswers_Fails()
    {
        Node third = Open(2);
        Task waits = third.ConnectAsync([3], _ => throw new InvalidOperationException("it calls nobody"));
        Node last = Open(3);
        IOException reason = await Assert.ThrowsAsync<IOException>(() => last.ConnectAsync([0], _ => (Here, third.Address)).OrHangAsync());
        Assert.EndsWith(": another node answered", reason.Message, StringComparison.Ordinal);
        await waits.OrHangAsync();
    }

    [Fact]
    public async Task Dispose_WhileItWaits_EndsTheWait()
    {
        Node node = Open(0);
        Task waits = node.ConnectAsync([1], _ => throw new InvalidOperationException("it calls nobody"));
        node.Links.Dispose();
        await Assert.ThrowsAnyAsync<Exception>(() => waits.OrHangAsync());
    }

    [Fact]
    public async Task Peer_IsLost_IsToldOnceAndSendingGoesOn()
    {
        Node[] nodes = await ConnectedAsync(2);
        nodes[1].Links.Dispose();
        (int peer, Exception reason) = nodes[0].Ended();
        Assert.Equal(1, peer);
        Assert.IsNotType<InvalidDataException>(reason);
        for (int i = 0; i < 100; i++)
        {
            nodes[0].Links.Send(1, 0, new byte[10_000]);
        }

        Assert.Equal(0, nodes[0].EndsLeft);
        Assert.Equal(0, nodes[1].EndsLeft);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(-1, 0)]
    [InlineData(int.MaxValue, 0)]
    [InlineData(NodeLink.EnvelopeMax + 1, 0)]
    [InlineData(1, -1)]
    public async Task Frame_OfALengthOrDomainThatThereIsNot_IsRefused(int length, int domain)
    {
        Node node = Open(0);
        using NodeCertificate member = SecureNodes.Certificate("member");
        using TcpClient client = new(Here, node.Address.Port);
        using SslStream stream = await JoinAsync(node, client, member);
        byte[] header = new byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(header, length);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(4), domain);
        stream.Write(header);
        (int peer, Exception reason) = node.Ended();
        Assert.Equal(1, peer);
        InvalidDataException refusal = Assert.IsType<InvalidDataException>(reason);
        Assert.Contains($"{length} bytes about domain {domain}", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Frame_CutOff_EndsTheConnection()
    {
        Node node = Open(0);
        using NodeCertificate member = SecureNodes.Certificate("member");
        using TcpClient client = new(Here, node.Address.Port);
        using SslStream stream = await JoinAsync(node, client, member);
        stream.Write([0xFF, 0xFF, 0xFF, 0x03, 0, 0, 0, 0, 1, 2, 3]);
        client.Close();
        Assert.IsAssignableFrom<IOException>(node.Ended().Reason);
    }

    public void Dispose() => _open.ForEach(open => open.Dispose());

    /// <summary>Becomes the other node of one that waits for a single call.</summary>
    private static async Task<SslStream> JoinAsync(Node node, TcpClient client, NodeCertificate member)
    {
        Task connected = node.ConnectAsync([1], _ => throw new InvalidOperationException("it calls nobody"));
        SslStream stream = Call(client, member);
        Assert.True(SaysHello(stream, node.Address.Token, 1));
        await connected.OrHangAsync();
        node.Start();
        return stream;
    }

    private static Task Run(Action action) =>
        Task.Factory.StartNew(action, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>Whether a caller is welcome.</summary>
    private static bool Answered(Node node, NodeCertificate? certificate, Guid token, int number)
    {
        using TcpClient client = new(Here, node.Address.Port);
        try
        {
            using SslStream stream = Call(client, certificate);
            return SaysHello(stream, token, number);
        }
        catch (Exception reason) when (reason is IOException or System.Security.Authentication.AuthenticationException)
        {
            return false;
        }
    }

    private static SslStream Call(TcpClient client, NodeCertificate? certificate)
    {
        SslStream stream = new(client.GetStream(), false, (_, _, _, _) => true);
        stream.AuthenticateAsClient(new SslClientAuthenticationOptions
        {
            TargetHost = Here,
            ClientCertificates = certificate is null ? [] : [certificate.Certificate],
        });
        return stream;
    }

    private static bool SaysHello(SslStream stream, Guid token, int number)
    {
        byte[] hello = [.. token.ToByteArray(), 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32LittleEndian(hello.AsSpan(LinkAddress.TokenBytes), number);
        stream.Write(hello);
        return stream.ReadAtLeast(new byte[sizeof(int)], sizeof(int), throwOnEndOfStream: false) == sizeof(int);
    }

    private async Task<Node[]> ConnectedAsync(int count)
    {
        Node[] nodes = [.. Enumerable.Range(0, count).Select(Open)];
        await Task.WhenAll(nodes.Select(node => node.ConnectAsync(
            [.. Enumerable.Range(0, count).Where(peer => peer != node.Number)], peer => (Here, nodes[peer].Address)))).OrHangAsync();
        Array.ForEach(nodes, node => node.Start());
        return nodes;
    }

    private Node Open(int number)
    {
        Node node = new(number);
        _open.Add(node.Links);
        return node;
    }

    private sealed class Node
    {
        private readonly BlockingCollection<DomainProtocol.Envelope> _came = [];
        private readonly BlockingCollection<(int Peer, Exception Reason)> _ends = [];

        public Node(int number)
        {
            Number = number;
            Links = SecureNodes.Remoting($"node-{number}").Links();
            Address = Links.Listen(Here);
        }

        public int Number { get; }

        public NodeLinks Links { get; }

        public LinkAddress Address { get; }

        public int EndsLeft => _ends.Count;

        public Task ConnectAsync(IReadOnlyCollection<int> peers, Func<int, (string Host, LinkAddress Address)> at) =>
            Run(() => Links.Connect(Number, peers, at));

        public void Start() => Links.Start(_came.Add, (peer, reason) => _ends.Add((peer, reason)));

        public DomainProtocol.Envelope[] Take(int count) => [.. Enumerable.Range(0, count).Select(_ => Next(_came))];

        public (int Peer, Exception Reason) Ended() => Next(_ends);

        private static T Next<T>(BlockingCollection<T> from) =>
            from.TryTake(out T? item, HangGuard.Limit) ? item : throw new TimeoutException("nothing has come");
    }
}
