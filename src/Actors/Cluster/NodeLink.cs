using System.Buffers.Binary;
using System.Net.Security;
using System.Net.Sockets;
using VmSim.Actors.Simulation;

namespace VmSim.Actors.Cluster;

/// <summary>
/// The connection of two nodes that share domains: frames of a length, a domain and an envelope, numbers low byte first. What is sent is
/// written by the thread that sends it, and what comes is read by a thread of the link's own, which hands it to the domain's actor: no
/// other thread is woken on the way.
/// </summary>
/// <param name="peer">The other node's number.</param>
/// <param name="socket">The connection.</param>
/// <param name="stream">What is said on it, after both sides have shown who they are.</param>
internal sealed class NodeLink(int peer, Socket socket, SslStream stream) : IDisposable
{
    /// <summary>Most bytes of an envelope, as of a frame of Akka's transport in config/cluster.conf.</summary>
    public const int EnvelopeMax = 64 << 20;

    private const int HeaderBytes = 2 * sizeof(int);
    private const int UsualBytes = 4 << 10;
    private readonly Lock _writing = new();
    private byte[] _frame = new byte[UsualBytes];
    private volatile bool _over;

    /// <summary>The other node's number.</summary>
    public int Peer => peer;

    /// <summary>Sends an envelope. Nothing is said of a connection that is broken: the reading thread finds out.</summary>
    /// <exception cref="InvalidOperationException">The envelope is larger than the other side reads.</exception>
    public void Send(int domain, ReadOnlySpan<byte> envelope)
    {
        if (envelope.Length > EnvelopeMax)
        {
            throw new InvalidOperationException(
                $"domain {domain}: an envelope for node {peer + 1} has {envelope.Length} bytes; at most {EnvelopeMax} are allowed");
        }

        // Domains on different lanes share the connection.
        lock (_writing)
        {
            int bytes = HeaderBytes + envelope.Length;
            if (_frame.Length < bytes)
            {
                _frame = new byte[Math.Max(bytes, 2 * _frame.Length)];
            }

            BinaryPrimitives.WriteInt32LittleEndian(_frame, envelope.Length);
            BinaryPrimitives.WriteInt32LittleEndian(_frame.AsSpan(sizeof(int)), domain);
            envelope.CopyTo(_frame.AsSpan(HeaderBytes));
            try
            {
                stream.Write(_frame, 0, bytes);
            }
            catch (Exception reason) when (IsBreak(reason))
            {
                // The reading thread ends with the socket, and tells of it.
                socket.Dispose();
            }
        }
    }

    /// <summary>Begins to read.</summary>
    /// <param name="received">Takes each envelope, on the link's own thread.</param>
    /// <param name="ended">Called once when the connection breaks or brings what is not allowed, and not when it is closed here.</param>
    public void Start(Action<DomainProtocol.Envelope> received, Action<int, Exception> ended) =>
        new Thread(() => Read(received, ended)) { IsBackground = true, Name = $"vmsim.link-{peer + 1}" }.Start();

    /// <inheritdoc/>
    public void Dispose()
    {
        // The socket alone: it wakes a thread that reads or writes, and the stream is not made to be ended under one.
        _over = true;
        socket.Dispose();
    }

    private void Read(Action<DomainProtocol.Envelope> received, Action<int, Exception> ended)
    {
        byte[] header = new byte[HeaderBytes];
        try
        {
            while (true)
            {
                stream.ReadExactly(header);
                int length = BinaryPrimitives.ReadInt32LittleEndian(header);
                int domain = BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(sizeof(int)));
                if (length is < 1 or > EnvelopeMax || domain < 0)
                {
                    throw new InvalidDataException(
                        $"node {peer + 1} sends an envelope of {length} bytes about domain {domain}; 1 to {EnvelopeMax} bytes are allowed");
                }

                received(new DomainProtocol.Envelope(domain, peer, ReadEnvelope(length)));
            }
        }
        catch (Exception reason) when (IsBreak(reason) || reason is InvalidDataException)
        {
            if (!_over)
            {
                ended(peer, reason);
            }
        }
    }

    /// <summary>Reads an envelope; nothing is made room for that does not come.</summary>
    private byte[] ReadEnvelope(int length)
    {
        byte[] bytes = new byte[Math.Min(length, UsualBytes)];
        for (int done = 0; ;)
        {
            stream.ReadExactly(bytes, done, bytes.Length - done);
            done = bytes.Length;
            if (done == length)
            {
                return bytes;
            }

            Array.Resize(ref bytes, (int)Math.Min(length, 2L * done));
        }
    }

    private static bool IsBreak(Exception reason) => reason is IOException or SocketException or ObjectDisposedException;
}
