using System.Collections;
using System.Runtime.InteropServices;
using VmSim.Core.Addresses;

namespace VmSim.Core.Mapping;

/// <content>Areas and what goes through them. Nested, so that they need no type parameters beside those of the set.</content>
public partial class MemorySet<TAddr, TFlags, TPageTable, TBackend>
{
    /// <summary>A range of addresses with one set of flags and one backend (Linux: VMA).</summary>
    /// <param name="Start">First address.</param>
    /// <param name="Size">Bytes, 1 or more.</param>
    /// <param name="Flags">The flags.</param>
    /// <param name="Backend">The backend; shared by the pieces of a split area.</param>
    public readonly record struct Area(TAddr Start, ulong Size, TFlags Flags, TBackend Backend)
    {
        /// <summary>The highest address of the area, in it.</summary>
        public TAddr Last => TAddr.FromValue(Start.Value + (Size - 1));

        /// <summary>First and last address together.</summary>
        public AddrRange<TAddr> Range => new(Start, Last);

        /// <summary>Whether an address lies in the area.</summary>
        public bool Contains(TAddr address) => address.Value - Start.Value < Size;

        /// <summary>The part of the area in [first, last], which it overlaps.</summary>
        internal Area Cut(ulong first, ulong last)
        {
            ulong from = Math.Max(Start.Value, first);
            ulong to = Math.Min(Last.Value, last);
            return this with { Start = TAddr.FromValue(from), Size = to - from + 1 };
        }
    }

    /// <summary>The parts of the set's areas that lie in a range.</summary>
    [StructLayout(LayoutKind.Auto)]
    public readonly struct AreaPieces : IEnumerable<Area>
    {
        private readonly MemorySet<TAddr, TFlags, TPageTable, TBackend> _set;
        private readonly ulong _first;
        private readonly ulong _last;
        private readonly bool _empty;

        internal AreaPieces(MemorySet<TAddr, TFlags, TPageTable, TBackend> set, ulong first, ulong last, bool empty)
        {
            _set = set;
            _first = first;
            _last = last;
            _empty = empty;
        }

        /// <summary>The parts by rising address.</summary>
        public AreaEnumerator GetEnumerator() => new(_set, _first, _last, _empty);

        IEnumerator<Area> IEnumerable<Area>.GetEnumerator() => GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }

    /// <summary>Goes through areas, or the parts of areas in a range, by rising address.</summary>
    [StructLayout(LayoutKind.Auto)]
    public struct AreaEnumerator : IEnumerator<Area>
    {
        private readonly MemorySet<TAddr, TFlags, TPageTable, TBackend> _set;
        private readonly ulong _first;
        private readonly ulong _last;
        private AreaPosition _position;
        private int _version;
        private Phase _phase;

        internal AreaEnumerator(MemorySet<TAddr, TFlags, TPageTable, TBackend> set, ulong first, ulong last, bool empty)
        {
            _set = set;
            _first = first;
            _last = last;
            _phase = empty ? Phase.Done : Phase.Before;
        }

        private enum Phase : byte
        {
            Before,
            Inside,
            Done,
        }

        /// <inheritdoc/>
        public Area Current { get; private set; }

        readonly object IEnumerator.Current => Current;

        /// <inheritdoc/>
        /// <exception cref="InvalidOperationException">The set has changed.</exception>
        public bool MoveNext()
        {
            if (_phase == Phase.Done)
            {
                return false;
            }

            _position = _phase == Phase.Before ? _set.Begin(_first, out _version) : _set.Following(_position, _version);
            _phase = Phase.Inside;
            if (_position.Exists)
            {
                Area area = _set.AreaAt(_position);
                if (area.Start.Value <= _last)
                {
                    Current = area.Cut(_first, _last);
                    return true;
                }
            }

            _phase = Phase.Done;
            return false;
        }

        /// <summary>Not offered: an enumeration begins anew with a new enumerator.</summary>
        public void Reset() => throw new NotSupportedException("Ask the set for a new enumerator.");

        /// <inheritdoc/>
        public readonly void Dispose()
        {
        }
    }
}
