using VmSim.Core.Addresses;
using VmSim.Core.Mapping;

namespace VmSim.Core.Tests.Mapping;

/// <summary>
/// What a memory set and its byte table must be after an operation, address by address. Operations count the calls of backends they would
/// make; the call numbered <see cref="RefuseAfter"/> is refused.
/// </summary>
public sealed class NaiveSet<TAddr>(ulong origin, int size, MemorySetOptions options)
    where TAddr : struct, IMemoryAddress<TAddr>
{
    private readonly int _granule = (int)options.Granule;
    private int[] _owner = new int[size];
    private byte[] _flags = new byte[size];
    private ByteBackend<TAddr>?[] _backends = new ByteBackend<TAddr>?[size];
    private byte[] _cells = new byte[size];
    private int _owners;
    private int _calls;

    public int RefuseAfter { get; set; } = -1;

    public ReadOnlySpan<byte> Cells => _cells;

    public MappingError<TAddr>? Map(ulong start, ulong count, byte flags, ByteBackend<TAddr> backend, bool over)
    {
        if (count == 0 || !IsRange(start, count))
        {
            return new MappingError<TAddr>(MappingErrorKind.InvalidParam, TAddr.FromValue(start), count);
        }

        List<MemorySet<TAddr, byte, ByteTable, ByteBackend<TAddr>>.Area> pieces = Pieces(start, count);
        if (pieces.Count > 0 && !over)
        {
            return new MappingError<TAddr>(MappingErrorKind.AlreadyExists, pieces[0].Start, pieces[0].Size);
        }

        return Atomically(() =>
        {
            int areas = Without(start, count);
            if (areas + 1 > options.MaxAreas)
            {
                return new MappingError<TAddr>(MappingErrorKind.NoMemory, TAddr.FromValue(start), count);
            }

            return UnmapEach(pieces) ?? MapNew(start, count, flags, backend, ++_owners);
        });
    }

    public MappingError<TAddr>? Unmap(ulong start, ulong count)
    {
        if (!IsRange(start, count))
        {
            return new MappingError<TAddr>(MappingErrorKind.InvalidParam, TAddr.FromValue(start), count);
        }

        return Atomically(() => count > 0 && Without(start, count) is int areas && areas > options.MaxAreas && areas > Areas().Count
            ? new MappingError<TAddr>(MappingErrorKind.NoMemory, TAddr.FromValue(start), count)
            : UnmapEach(Pieces(start, count)));
    }

    public MappingError<TAddr>? Clear() => Atomically(() => UnmapEach(Areas()));

    public MappingError<TAddr>? Protect(ulong start, ulong count, Func<byte, byte?> update)
    {
        if (!IsRange(start, count))
        {
            return new MappingError<TAddr>(MappingErrorKind.InvalidParam, TAddr.FromValue(start), count);
        }

        return Atomically(() =>
        {
            List<MemorySet<TAddr, byte, ByteTable, ByteBackend<TAddr>>.Area> pieces = Pieces(start, count)
                .Where(piece => update(piece.Flags) is not null).ToList();
            int splits = pieces.Sum(piece => (Begins(piece) ? 0 : 1) + (Ends(piece) ? 0 : 1));
            if (pieces.Count > 0 && Areas().Count + splits > options.MaxAreas)
            {
                return new MappingError<TAddr>(MappingErrorKind.NoMemory, TAddr.FromValue(start), count);
            }

            foreach (MemorySet<TAddr, byte, ByteTable, ByteBackend<TAddr>>.Area piece in pieces)
            {
                if (!Agrees())
                {
                    return Refused(piece);
                }

                _owners++;
                byte flags = update(piece.Flags)!.Value;
                int at = Index(piece.Start.Value);
                for (int i = at; i < at + (int)piece.Size; i++)
                {
                    _owner[i] = _owners;
                    _flags[i] = flags;
                    _cells[i] = (byte)((_cells[i] & ~ByteBackend<TAddr>.FlagBits) | flags);
                }
            }

            return null;
        });
    }

    public MappingError<TAddr>? Move(ulong from, ulong count, ulong to, bool over)
    {
        if (count == 0 || !IsRange(from, count) || !IsRange(to, count) || (from < to ? to - from : from - to) < count)
        {
            return new MappingError<TAddr>(MappingErrorKind.InvalidParam, TAddr.FromValue(to), count);
        }

        int hole = Array.FindIndex(_owner, Index(from), (int)count, owner => owner == 0);
        if (hole >= 0)
        {
            int end = Array.FindIndex(_owner, hole, owner => owner != 0);
            ulong first = origin + (ulong)hole;
            ulong after = end < 0 ? from + count : Math.Min(from + count, origin + (ulong)end);
            return new MappingError<TAddr>(MappingErrorKind.BadState, TAddr.FromValue(first), after - first);
        }

        List<MemorySet<TAddr, byte, ByteTable, ByteBackend<TAddr>>.Area> targets = Pieces(to, count);
        if (targets.Count > 0 && !over)
        {
            return new MappingError<TAddr>(MappingErrorKind.AlreadyExists, targets[0].Start, targets[0].Size);
        }

        return Atomically(() =>
        {
            List<MemorySet<TAddr, byte, ByteTable, ByteBackend<TAddr>>.Area> pieces = Pieces(from, count);

            // As the set counts: a move within one area may count a piece that the other cut would remove.
            if (Without(from, count) + Without(to, count) - Areas().Count + pieces.Count > options.MaxAreas)
            {
                return new MappingError<TAddr>(MappingErrorKind.NoMemory, TAddr.FromValue(to), count);
            }

            if (UnmapEach(targets) is { } refused)
            {
                return refused;
            }

            foreach (MemorySet<TAddr, byte, ByteTable, ByteBackend<TAddr>>.Area piece in pieces)
            {
                if (MovePiece(piece, to + (piece.Start.Value - from)) is { } error)
                {
                    return error;
                }
            }

            return null;
        });
    }

    public MappingError<TAddr>? Resize(ulong start, ulong count)
    {
        if (count == 0 || !IsRange(start, count))
        {
            return new MappingError<TAddr>(MappingErrorKind.InvalidParam, TAddr.FromValue(start), count);
        }

        int at = Index(start);
        if (_owner[at] == 0 || (at > 0 && SameArea(at - 1, at)))
        {
            return new MappingError<TAddr>(MappingErrorKind.BadState, TAddr.FromValue(start), count);
        }

        MemorySet<TAddr, byte, ByteTable, ByteBackend<TAddr>>.Area area = Areas().Single(candidate => candidate.Start.Value == start);
        if (count <= area.Size)
        {
            return Unmap(start + count, area.Size - count);
        }

        ulong more = start + area.Size;
        List<MemorySet<TAddr, byte, ByteTable, ByteBackend<TAddr>>.Area> pieces = Pieces(more, count - area.Size);
        return pieces.Count > 0
            ? new MappingError<TAddr>(MappingErrorKind.AlreadyExists, pieces[0].Start, pieces[0].Size)
            : Atomically(() =>
            {
                // A number of its own: pieces of what was once one area share a number.
                Array.Fill(_owner, ++_owners, at, (int)area.Size);
                return MapNew(more, count - area.Size, area.Flags, area.Backend, _owners);
            });
    }

    public void Touch(ulong address) => _cells[Index(address)] |= (byte)(_owner[Index(address)] == 0 ? 0 : ByteBackend<TAddr>.TouchedBit);

    public ulong? FindFree(ulong hint, ulong count, ulong first, ulong last, ulong align)
    {
        if (count == 0 || align == 0 || (align & (align - 1)) != 0 || count % align != 0 || count % options.Granule != 0)
        {
            return null;
        }

        ulong step = Math.Max(align, options.Granule);
        ulong highest = Math.Min(last, origin + (ulong)(_owner.Length - 1));
        for (ulong at = Math.Max(hint, first); at <= highest && highest - at >= count - 1; at++)
        {
            if (at % step == 0 && !Array.Exists(_owner[Index(at)..(Index(at) + (int)count)], owner => owner != 0))
            {
                return at;
            }
        }

        return null;
    }

    /// <summary>The parts of areas in a range.</summary>
    public List<ByteSet<TAddr>.Area> Pieces(ulong start, ulong count)
    {
        List<ByteSet<TAddr>.Area> pieces = [];
        int first = Index(start);
        int end = Math.Min(_owner.Length, first + (int)count);
        for (int i = first; i < end;)
        {
            int next = i + 1;
            while (next < end && SameArea(i, next))
            {
                next++;
            }

            if (_owner[i] != 0)
            {
                pieces.Add(new(TAddr.FromValue(origin + (ulong)i), (ulong)(next - i), _flags[i], _backends[i]!));
            }

            i = next;
        }

        return pieces;
    }

    public List<ByteSet<TAddr>.Area> Areas() => Pieces(origin, (ulong)_owner.Length);

    private static MappingError<TAddr> Refused(ByteSet<TAddr>.Area piece) => new(MappingErrorKind.BadState, piece.Start, piece.Size);

    private bool Begins(ByteSet<TAddr>.Area piece)
    {
        int at = Index(piece.Start.Value);
        return at == 0 || !SameArea(at - 1, at);
    }

    private bool Ends(ByteSet<TAddr>.Area piece)
    {
        int end = Index(piece.Start.Value) + (int)piece.Size;
        return end == _owner.Length || !SameArea(end - 1, end);
    }

    private int Index(ulong address) => (int)(address - origin);

    private bool Agrees() => _calls++ != RefuseAfter;

    private bool IsRange(ulong start, ulong count)
    {
        UInt128 end = (UInt128)start + count;
        UInt128 highest = _granule == 1 ? TAddr.MaxValue : (UInt128)TAddr.MaxValue + 1;
        return start % options.Granule == 0 && count % options.Granule == 0 && end <= highest;
    }

    private bool SameArea(int left, int right) => options.MergeNeighbours
        ? (_owner[left] != 0) == (_owner[right] != 0) && _flags[left] == _flags[right] && Equals(_backends[left], _backends[right])
        : _owner[left] == _owner[right];

    /// <summary>How many areas there are without a range.</summary>
    private int Without(ulong start, ulong count)
    {
        int[] owner = [.. _owner];
        Array.Clear(_owner, Index(start), (int)count);
        int areas = Areas().Count;
        _owner = owner;
        return areas;
    }

    private MappingError<TAddr>? Atomically(Func<MappingError<TAddr>?> operation)
    {
        (int[] owner, byte[] flags, ByteBackend<TAddr>?[] backends, byte[] cells) = ([.. _owner], [.. _flags], [.. _backends], [.. _cells]);
        _calls = 0;
        MappingError<TAddr>? error = operation();
        if (error is not null)
        {
            (_owner, _flags, _backends, _cells) = (owner, flags, backends, cells);
        }

        return error;
    }

    private MappingError<TAddr>? UnmapEach(List<ByteSet<TAddr>.Area> pieces)
    {
        foreach (MemorySet<TAddr, byte, ByteTable, ByteBackend<TAddr>>.Area piece in pieces)
        {
            if (!Agrees())
            {
                return Refused(piece);
            }

            Erase(piece);
        }

        return null;
    }

    private void Erase(ByteSet<TAddr>.Area piece)
    {
        int at = Index(piece.Start.Value);
        Array.Clear(_owner, at, (int)piece.Size);
        Array.Clear(_flags, at, (int)piece.Size);
        Array.Clear(_backends, at, (int)piece.Size);
        Array.Clear(_cells, at, (int)piece.Size);
    }

    private MappingError<TAddr>? MapNew(ulong start, ulong count, byte flags, ByteBackend<TAddr> backend, int owner)
    {
        if (!Agrees())
        {
            return new MappingError<TAddr>(MappingErrorKind.BadState, TAddr.FromValue(start), count);
        }

        int at = Index(start);
        Array.Fill(_owner, owner, at, (int)count);
        Array.Fill(_flags, flags, at, (int)count);
        Array.Fill(_backends, backend, at, (int)count);
        Array.Fill(_cells, backend.CellOf(flags), at, (int)count);
        return null;
    }

    private MappingError<TAddr>? MovePiece(ByteSet<TAddr>.Area piece, ulong to)
    {
        byte[] cells = _cells[Index(piece.Start.Value)..(Index(piece.Start.Value) + (int)piece.Size)];
        MovableByteBackend<TAddr>? movable = piece.Backend as MovableByteBackend<TAddr>;
        if (!Agrees())
        {
            return Refused(piece);
        }

        Erase(piece);
        if (movable is null)
        {
            return MapNew(to, piece.Size, piece.Flags, piece.Backend, ++_owners) is null ? null : Refused(piece);
        }

        _calls--;
        int refuseAfter = RefuseAfter;
        RefuseAfter = -1;
        MapNew(to, piece.Size, piece.Flags, movable with { Delta = movable.Delta + (long)(to - piece.Start.Value) }, ++_owners);
        RefuseAfter = refuseAfter;
        cells.CopyTo(_cells, Index(to));
        return null;
    }
}
