using System.Buffers.Binary;
using System.Text;

namespace VmSim.Host.Tests.Reporting;

/// <summary>A slice of a track that was read.</summary>
/// <param name="Track">The track's name.</param>
/// <param name="Name">The slice's name.</param>
/// <param name="Depth">How many slices it lies in.</param>
/// <param name="Begin">When it begins, in ns.</param>
/// <param name="End">When it ends.</param>
internal sealed record PerfettoSlice(string Track, string Name, int Depth, long Begin, long End);

/// <summary>
/// Reads a trace of Perfetto back by the published numbers of fields (protos/perfetto/trace of google/perfetto), apart from what writes it,
/// and asks for what the viewer needs: every packet has a writer, tracks are declared before they are used, names are known, times of a
/// track do not go back, slices nest and end.
/// </summary>
internal sealed class PerfettoTrace
{
    private readonly Dictionary<long, string> _tracks = [];
    private readonly HashSet<long> _counters = [];
    private readonly Dictionary<long, string> _names = [];
    private readonly Dictionary<long, Stack<(string Name, long Begin)>> _open = [];
    private readonly Dictionary<long, long> _last = [];
    private readonly List<(long Time, ulong Flow, string Step, bool Ends)> _steps = [];

    /// <summary>The slices, by their ends on each track.</summary>
    public List<PerfettoSlice> Slices { get; } = [];

    /// <summary>The names of tracks with values.</summary>
    public IEnumerable<string> Counters => _counters.Select(track => _tracks[track]);

    /// <summary>Where each arrow leads, as track and name of each step in the order of time.</summary>
    public Dictionary<ulong, string[]> Flows { get; } = [];

    public static PerfettoTrace Read(byte[] bytes)
    {
        PerfettoTrace trace = new();
        bool isFirst = true;
        foreach ((int field, _, byte[] packet) in Fields(bytes))
        {
            Assert.Equal(1, field);
            trace.Packet([.. Fields(packet)], isFirst);
            isFirst = false;
        }

        Assert.All(trace._open.Values, Assert.Empty);
        foreach (IGrouping<ulong, (long Time, ulong Flow, string Step, bool Ends)> flow in trace._steps.GroupBy(step => step.Flow))
        {
            (long Time, ulong Flow, string Step, bool Ends)[] steps = [.. flow.OrderBy(step => step.Time)];
            Assert.True(steps[^1].Ends, "an arrow that leads nowhere");
            Assert.DoesNotContain(steps[..^1], step => step.Ends);
            trace.Flows.Add(flow.Key, [.. steps.Select(step => step.Step)]);
        }

        return trace;
    }

    private void Packet(List<(int Field, ulong Number, byte[] Bytes)> packet, bool isFirst)
    {
        Assert.Single(packet, item => item.Field == 10 && item.Number > 0);
        ulong flags = packet.Single(item => item.Field == 13).Number;
        Assert.Equal(isFirst, (flags & 1) != 0);
        foreach ((int field, ulong number, byte[] name) in packet.Where(item => item.Field == 12).SelectMany(item => Fields(item.Bytes)))
        {
            Assert.Equal((2, 0UL), (field, number));
            List<(int Field, ulong Number, byte[] Bytes)> entry = [.. Fields(name)];
            _names.Add(
                (long)entry.Single(item => item.Field == 1).Number, Encoding.UTF8.GetString(entry.Single(item => item.Field == 2).Bytes));
        }

        foreach ((_, _, byte[] track) in packet.Where(item => item.Field == 60))
        {
            List<(int Field, ulong Number, byte[] Bytes)> fields = [.. Fields(track)];
            long id = (long)fields.Single(item => item.Field == 1).Number;
            _tracks.Add(id, Encoding.UTF8.GetString(fields.Single(item => item.Field == 2).Bytes));
            Assert.All(fields.Where(item => item.Field == 5), parent => Assert.Contains((long)parent.Number, _tracks.Keys));
            if (fields.Exists(item => item.Field == 8))
            {
                _counters.Add(id);
            }
        }

        foreach ((_, _, byte[] happened) in packet.Where(item => item.Field == 11))
        {
            Event((long)packet.Single(item => item.Field == 8).Number, [.. Fields(happened)]);
        }
    }

    private void Event(long time, List<(int Field, ulong Number, byte[] Bytes)> fields)
    {
        long track = (long)fields.Single(item => item.Field == 11).Number;
        Assert.InRange(time, _last.GetValueOrDefault(track), long.MaxValue);
        _last[track] = time;
        ulong type = fields.Single(item => item.Field == 9).Number;
        Assert.Equal(type == 4, _counters.Contains(track));
        Assert.Equal(type == 4, fields.Exists(item => item.Field == 30));
        string name = type is 1 or 3 ? _names[(long)fields.Single(item => item.Field == 10).Number] : "";
        if (!_open.TryGetValue(track, out Stack<(string Name, long Begin)>? open))
        {
            _open.Add(track, open = []);
        }

        if (type == 1)
        {
            open.Push((name, time));
        }
        else if (type == 2)
        {
            (string ended, long begin) = open.Pop();
            Slices.Add(new PerfettoSlice(_tracks[track], ended, open.Count, begin, time));
        }

        foreach ((int field, ulong flow, _) in fields.Where(item => item.Field is 47 or 48))
        {
            Assert.True(type is 1 or 3, "an arrow from or to nothing");
            _steps.Add((time, flow, $"{_tracks[track]} {name}", field == 48));
        }
    }

    private static IEnumerable<(int Field, ulong Number, byte[] Bytes)> Fields(byte[] message)
    {
        int at = 0;
        while (at < message.Length)
        {
            ulong tag = Varint(message, ref at);
            int field = (int)(tag >> 3);
            switch (tag & 7)
            {
                case 0:
                    yield return (field, Varint(message, ref at), []);
                    break;
                case 1:
                    at += sizeof(ulong);
                    yield return (field, BinaryPrimitives.ReadUInt64LittleEndian(message.AsSpan(at - sizeof(ulong))), []);
                    break;
                case 2:
                    int length = (int)Varint(message, ref at);
                    at += length;
                    yield return (field, 0, message[(at - length)..at]);
                    break;
                default:
                    throw new InvalidDataException($"field {field} is of kind {tag & 7}, which nothing here has");
            }
        }
    }

    private static ulong Varint(byte[] bytes, ref int at)
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = bytes[at++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }
    }
}
