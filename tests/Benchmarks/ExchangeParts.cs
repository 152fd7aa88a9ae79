using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Configuration;
using VmSim.Actors.Cluster;
using VmSim.Actors.Security;
using VmSim.Actors.Simulation;

namespace VmSim.Benchmarks;

/// <summary>
/// What the parts of an exchange cost, each by itself: writing and reading an envelope, a hand-over from thread to thread, a trip over a
/// socket, over TLS, over the connections of nodes, and over Akka.Remote, which is how envelopes went before.
/// </summary>
internal static class ExchangeParts
{
    private const int Trips = 20_000;
    private const int Rounds = 3;
    private static readonly byte[] Envelope = EnvelopeCodec.Encode(new PhaseEnvelope
    {
        Domain = 0,
        Node = 0,
        Exchange = 1_000,
        Limit = 1_000_000,
        Horizon = NodeHorizon.Empty,
    });

    public static int Run()
    {
        using CertificateAuthority authority = CertificateAuthority.Create(TimeProvider.System);
        for (int round = 0; round < Rounds; round++)
        {
            Console.WriteLine($"round {round + 1}, an envelope of {Envelope.Length} bytes, us one way");
            Print("write and read an envelope", Codec());
            Print("hand over to a waiting thread (semaphore)", HandOver());
            Print("hand over to an actor on a lane and back, half", Lane());
            Print("socket, the thread that needs it reads", Sockets());
            Print("connection of nodes: TLS, its thread reads", Links(authority));
            Print("Akka.Remote with TLS, as before", Remote(authority));
        }

        return 0;
    }

    private static void Print(string name, double microseconds) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {microseconds:F1} |"));

    private static double Timed(int trips, Action<int> run)
    {
        run(trips / 4);
        long started = Stopwatch.GetTimestamp();
        run(trips);
        return Stopwatch.GetElapsedTime(started).TotalMicroseconds / trips;
    }

    private static double Codec() => Timed(Trips, trips =>
    {
        for (int i = 0; i < trips; i++)
        {
            EnvelopeCodec.Encode(EnvelopeCodec.Decode(Envelope));
        }
    });

    private static double HandOver()
    {
        using SemaphoreSlim there = new(0);
        using SemaphoreSlim back = new(0);
        Thread other = new(() =>
        {
            for (int i = 0; i < Trips + (Trips / 4); i++)
            {
                there.Wait();
                back.Release();
            }
        });
        other.Start();
        double time = Timed(Trips, trips =>
        {
            for (int i = 0; i < trips; i++)
            {
                there.Release();
                back.Wait();
            }
        });
        other.Join();
        return time / 2;
    }

    private static double Lane()
    {
        using ActorSystem system = ActorSystem.Create("lane", Lanes.Configuration(1));
        IActorRef echo = system.ActorOf(Props.Create(() => new Echo()).WithDispatcher(Lanes.Dispatcher(0)));
        using Inbox inbox = Inbox.Create(system);
        return Timed(Trips / 4, trips =>
        {
            for (int i = 0; i < trips; i++)
            {
                inbox.Send(echo, Envelope);
                inbox.Receive();
            }
        }) / 2;
    }

    private static double Sockets()
    {
        using Socket listener = new(SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using Socket one = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        one.Connect(listener.LocalEndPoint!);
        using Socket two = listener.Accept();
        two.NoDelay = true;
        Thread other = new(() =>
        {
            byte[] bytes = new byte[Envelope.Length];
            for (int i = 0; i < Trips + (Trips / 4); i++)
            {
                two.Receive(bytes);
                two.Send(bytes);
            }
        });
        other.Start();
        byte[] own = new byte[Envelope.Length];
        double time = Timed(Trips, trips =>
        {
            for (int i = 0; i < trips; i++)
            {
                one.Send(Envelope);
                one.Receive(own);
            }
        });
        other.Join();
        return time / 2;
    }

    private static double Links(CertificateAuthority authority)
    {
        using NodeLinks one = new SecureRemoting(authority.Issue("one"), TimeProvider.System).Links();
        using NodeLinks two = new SecureRemoting(authority.Issue("two"), TimeProvider.System).Links();
        LinkAddress address = one.Listen("127.0.0.1");
        Task accepted = Task.Run(() => one.Connect(0, [1], _ => throw new InvalidOperationException("it calls nobody")));
        two.Connect(1, [0], _ => ("127.0.0.1", address));
        accepted.GetAwaiter().GetResult();
        using SemaphoreSlim done = new(0);
        int left = 0;
        two.Start(envelope => two.Send(0, 0, envelope.Bytes), (_, _) => { });
        one.Start(
            envelope =>
            {
                if (--left > 0)
                {
                    one.Send(1, 0, envelope.Bytes);
                }
                else
                {
                    done.Release();
                }
            },
            (_, _) => { });
        return Timed(Trips, trips =>
        {
            left = trips;
            one.Send(1, 0, Envelope);
            done.Wait();
        }) / 2;
    }

    private static double Remote(CertificateAuthority authority)
    {
        using ActorSystem one = Node(authority);
        using ActorSystem two = Node(authority);
        two.ActorOf(Props.Create(() => new Echo()), NodeProtocol.ActorName);
        using Inbox inbox = Inbox.Create(one);
        Address address = ((ExtendedActorSystem)two).Provider.DefaultAddress;
        IActorRef far = one.ActorSelection(new RootActorPath(address) / "user" / NodeProtocol.ActorName)
            .ResolveOne(TimeSpan.FromSeconds(30)).GetAwaiter().GetResult();
        return Timed(Trips / 4, trips =>
        {
            for (int i = 0; i < trips; i++)
            {
                inbox.Send(far, new NodeShardProtocol.Progressed(0, i, i));
                inbox.Receive(TimeSpan.FromSeconds(30));
            }
        }) / 2;
    }

    private static ActorSystem Node(CertificateAuthority authority)
    {
        Config config = SecureRemoting.Configuration("127.0.0.1", 0).WithFallback(ConfigurationFactory.ParseString(
            """
            akka {
              loglevel = OFF
              actor.provider = remote
              remote.dot-netty.tcp.batching.enabled = false
            }
            """));
        return ActorSystem.Create(
            "vmsim",
            BootstrapSetup.Create().WithConfig(config).And(new SecureRemoting(authority.Issue("node"), TimeProvider.System).Setup));
    }

    private sealed class Echo : UntypedActor
    {
        protected override void OnReceive(object message) => Sender.Tell(message);
    }
}
