namespace VmSim.Host.Reporting;

/// <summary>
/// Writes a trace as Perfetto reads it: packets, one after the other, so that nothing is kept but names that were used before. The numbers
/// of fields are those of protos/perfetto/trace of google/perfetto, and stand at the places where they are used.
/// </summary>
/// <param name="stream">Takes the trace.</param>
internal sealed class PerfettoWriter(Stream stream)
{
    /// <summary>TrackEvent.Type: what an event is.</summary>
    public enum EventType
    {
        /// <summary>A slice begins.</summary>
        SliceBegin = 1,

        /// <summary>The innermost slice of the track ends.</summary>
        SliceEnd = 2,

        /// <summary>Something that takes no time.</summary>
        Instant = 3,

        /// <summary>A value from now on.</summary>
        Counter = 4,
    }

    /// <summary>Perfetto asks for a number of each writer of a trace; there is one.</summary>
    private const int Sequence = 1;

    private readonly Dictionary<string, int> _names = [];
    private readonly ProtoMessage _packet = new();
    private readonly ProtoMessage _event = new();
    private readonly ProtoMessage _inner = new();
    private readonly ProtoMessage _interned = new();
    private readonly ProtoMessage _trace = new();
    private bool _hasBegun;

    /// <summary>Declares a track.</summary>
    /// <param name="id">Its number, which no other track has; 1 or more.</param>
    /// <param name="parent">The track below which it stands; 0 for none.</param>
    /// <param name="name">Its name.</param>
    /// <param name="rank">Its place among those of one parent.</param>
    /// <param name="isCounter">Whether it has values instead of slices.</param>
    public void Track(long id, long parent, string name, int rank, bool isCounter = false)
    {
        // TrackDescriptor: uuid = 1, name = 2, parent_uuid = 5, counter = 8, child_ordering = 11 (EXPLICIT = 3), sibling_order_rank = 12.
        _event.Clear().Number(1, id).Text(2, name);
        if (parent != 0)
        {
            _event.Number(5, parent);
        }

        if (isCounter)
        {
            _event.Message(8, _inner.Clear());
        }

        _event.Number(11, 3).Number(12, rank);

        // TracePacket: track_descriptor = 60.
        Packet(null, 60);
    }

    /// <summary>Begins an event of a track; <see cref="Complete"/> writes it.</summary>
    /// <param name="type">What it is.</param>
    /// <param name="track">The track's number.</param>
    /// <param name="name">Its name; null for the end of a slice and a value.</param>
    public PerfettoWriter Event(EventType type, long track, string? name = null)
    {
        // TrackEvent: type = 9, name_iid = 10, track_uuid = 11.
        _interned.Clear();
        _event.Clear().Number(9, (int)type).Number(11, track);
        if (name is not null)
        {
            if (!_names.TryGetValue(name, out int number))
            {
                number = _names.Count + 1;
                _names.Add(name, number);

                // InternedData: event_names = 2; EventName: iid = 1, name = 2.
                _interned.Message(2, _inner.Clear().Number(1, number).Text(2, name));
            }

            _event.Number(10, number);
        }

        return this;
    }

    /// <summary>Says something of the event.</summary>
    public PerfettoWriter With(string name, string value)
    {
        // TrackEvent: debug_annotations = 4; DebugAnnotation: string_value = 6, name = 10.
        if (value.Length > 0)
        {
            _event.Message(4, _inner.Clear().Text(6, value).Text(10, name));
        }

        return this;
    }

    /// <inheritdoc cref="With(string, string)"/>
    public PerfettoWriter With(string name, long value)
    {
        // DebugAnnotation: int_value = 4.
        _event.Message(4, _inner.Clear().Number(4, value).Text(10, name));
        return this;
    }

    /// <summary>The event's value.</summary>
    public PerfettoWriter Value(long value)
    {
        // TrackEvent: counter_value = 30.
        _event.Number(30, value);
        return this;
    }

    /// <summary>An arrow leads through the event.</summary>
    /// <param name="flow">The arrow's number.</param>
    /// <param name="ends">Whether it leads no farther.</param>
    public PerfettoWriter Flow(ulong flow, bool ends = false)
    {
        // TrackEvent: flow_ids = 47, terminating_flow_ids = 48.
        _event.Fixed64(ends ? 48 : 47, flow);
        return this;
    }

    /// <summary>Writes the event.</summary>
    /// <param name="nanoseconds">When it is.</param>
    public void Complete(long nanoseconds) => Packet(nanoseconds, 11);

    private void Packet(long? nanoseconds, int field)
    {
        // TracePacket: timestamp = 8, trusted_packet_sequence_id = 10, interned_data = 12, sequence_flags = 13
        // (SEQ_INCREMENTAL_STATE_CLEARED = 1, SEQ_NEEDS_INCREMENTAL_STATE = 2). Trace: packet = 1.
        _packet.Clear();
        if (nanoseconds is { } time)
        {
            _packet.Number(8, time);
        }

        _packet.Number(10, Sequence).Message(field, _event);
        if (nanoseconds is not null && _interned.Bytes.Length > 0)
        {
            _packet.Message(12, _interned);
        }

        _packet.Number(13, _hasBegun ? 2 : 3);
        _hasBegun = true;
        stream.Write(_trace.Clear().Message(1, _packet).Bytes);
    }
}
