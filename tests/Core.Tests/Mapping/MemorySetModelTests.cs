using System.Globalization;
using VmSim.Core.Addresses;
using VmSim.Core.Mapping;

namespace VmSim.Core.Tests.Mapping;

/// <summary>
/// Random operations with injected refusals against the naive set: areas and page table are equal after every operation. A failure names
/// its seed; VMSIM_MAPPING_SEED=n runs that seed alone.
/// </summary>
public sealed class MemorySetModelTests
{
    private const int Sequences = 3_000;
    private const int LongSequences = 30_000;
    private const int Operations = 40;
    private const int Addresses = 256;

    [Fact]
    public void Operations_RandomWithRefusals_EqualTheNaiveSet() => RunAll(0, Sequences);

    [Fact]
    [Trait("Category", "Long")]
    public void Operations_ManyRandomWithRefusals_EqualTheNaiveSet() => RunAll(Sequences, LongSequences);

    private static void RunAll(int first, int end)
    {
        string? chosen = Environment.GetEnvironmentVariable("VMSIM_MAPPING_SEED");
        if (chosen is not null)
        {
            first = int.Parse(chosen, CultureInfo.InvariantCulture);
            end = first + 1;
        }

        int refusals = 0;
        for (int seed = first; seed < end; seed++)
        {
            refusals += seed % 2 == 0
                ? new Run<VirtAddr>(seed, origin: 0).Execute()
                : new Run<GuestAddr>(seed, origin: uint.MaxValue - (Addresses - 1)).Execute();
        }

        Assert.True(chosen is not null || refusals > end - first, $"only {refusals} operations were refused");
    }

    private sealed class Run<TAddr>
        where TAddr : struct, IMemoryAddress<TAddr>
    {
        private readonly int _seed;
        private readonly Random _random;
        private readonly ulong _origin;
        private readonly MemorySetOptions _options;
        private readonly ByteTable _table;
        private readonly ByteSet<TAddr> _set;
        private readonly NaiveSet<TAddr> _model;
        private readonly ByteBackend<TAddr>[] _backends =
            [new ByteBackend<TAddr>(1), new ByteBackend<TAddr>(2), new MovableByteBackend<TAddr>(3, 0)];

        private readonly List<string> _log = [];

        public Run(int seed, ulong origin)
        {
            _seed = seed;
            _random = new Random(seed);
            _origin = origin;
            _options = new MemorySetOptions
            {
                MergeNeighbours = _random.Next(3) == 0,
                Granule = _random.Next(3) == 0 ? 4UL : 1,
                MaxAreas = _random.Next(4) == 0 ? 6 : int.MaxValue,
            };
            _table = _random.Next(2) == 0 ? new UndoableByteTable(origin, Addresses) : new ByteTable(origin, Addresses);
            _set = new(_options);
            _model = new NaiveSet<TAddr>(origin, Addresses, _options);
        }

        public int Execute()
        {
            int refusals = 0;
            try
            {
                for (int i = 0; i < Operations; i++)
                {
                    _table.RefuseAfter = _random.Next(4) == 0 ? _random.Next(5) : -1;
                    _model.RefuseAfter = _table.RefuseAfter;
                    refusals += Step() ? 1 : 0;
                    _table.RefuseAfter = -1;
                    _set.Verify();
                    Assert.True(_model.Areas().SequenceEqual(_set), "areas differ");
                    Assert.True(_model.Cells.SequenceEqual(_table.Cells), "page tables differ");
                    Assert.Equal(0, (_table as UndoableByteTable)?.OpenMarks ?? 0);
                    Ask();
                }
            }
            catch (Exception error)
            {
                throw new InvalidOperationException(
                    $"seed {_seed}: {_options}, {_table.GetType().Name}\n{string.Join('\n', _log)}\n{error.Message}", error);
            }

            return refusals;
        }

        private static TAddr At(ulong address) => TAddr.FromValue(address);

        private bool Step()
        {
            (ulong start, ulong size) = Range();
            byte flags = (byte)_random.Next(8);
            bool over = _random.Next(2) == 0;
            MappingError<TAddr>? expected;
            MappingError<TAddr> error;
            bool done;
            switch (_random.Next(20))
            {
                case < 8:
                    ByteBackend<TAddr> backend = _backends[_random.Next(3)];
                    _log.Add($"map {start:x} {size} {flags} {backend.Number} {over} refuse {_table.RefuseAfter}");
                    expected = _model.Map(start, size, flags, backend, over);
                    ByteSet<TAddr>.Area area = new(At(start), size, flags, backend);
                    done = over ? _set.TryMapOver(area, _table, out error) : _set.TryMap(area, _table, out error);
                    break;
                case < 11:
                    _log.Add($"unmap {start:x} {size} refuse {_table.RefuseAfter}");
                    expected = _model.Unmap(start, size);
                    done = _set.TryUnmap(At(start), size, _table, out error);
                    break;
                case < 15:
                    _log.Add($"protect {start:x} {size} {flags} refuse {_table.RefuseAfter}");
                    expected = _model.Protect(start, size, old => old == flags ? null : flags);
                    done = _set.TryProtect(At(start), size, old => old == flags ? null : flags, _table, out error);
                    break;
                case < 17:
                    ulong to = _origin == 0 ? Math.Min(Range().Start, Addresses - size) : Range().Start;
                    _log.Add($"move {start:x} {size} {to:x} {over} refuse {_table.RefuseAfter}");
                    expected = _model.Move(start, size, to, over);
                    done = over
                        ? _set.TryMoveOver(At(start), size, At(to), _table, out error)
                        : _set.TryMove(At(start), size, At(to), _table, out error);
                    break;
                case < 19:
                    MemorySet<TAddr, byte, ByteTable, ByteBackend<TAddr>>.Area next;
                    start = _set.TryFindNext(At(start), out next) ? next.Start.Value : start;
                    _log.Add($"resize {start:x} {size} refuse {_table.RefuseAfter}");
                    if (start + size > _origin + Addresses && _origin == 0)
                    {
                        return false;
                    }

                    expected = _model.Resize(start, size);
                    done = _set.TryResize(At(start), size, _table, out error);
                    break;
                default:
                    if (_random.Next(4) > 0)
                    {
                        Touch(start);
                        return false;
                    }

                    _log.Add($"clear refuse {_table.RefuseAfter}");
                    expected = _model.Clear();
                    done = _set.TryClear(_table, out error);
                    break;
            }

            Assert.Equal(expected, done ? null : error);
            Assert.True(!done || error == default, "an error beside success");
            return error.Kind == MappingErrorKind.BadState;
        }

        /// <summary>An entry changes behind the set's back; only a journal can restore that.</summary>
        private void Touch(ulong address)
        {
            if (_table is UndoableByteTable)
            {
                _log.Add($"touch {address:x}");
                _model.Touch(address);
                _model.Cells.CopyTo(_table.Cells);
            }
        }

        private void Ask()
        {
            (ulong start, ulong size) = Range();
            size = Math.Min(size, _origin + Addresses - start);
            List<MemorySet<TAddr, byte, ByteTable, ByteBackend<TAddr>>.Area> areas = _model.Areas();
            List<MemorySet<TAddr, byte, ByteTable, ByteBackend<TAddr>>.Area> holder =
                [.. areas.Where(area => start - area.Start.Value < area.Size)];
            Assert.Equal(holder.Count == 1, _set.TryFind(At(start), out MemorySet<TAddr, byte, ByteTable, ByteBackend<TAddr>>.Area found));
            Assert.True(holder.Count == 0 || holder[0] == found, "find");
            Assert.Equal(areas.FirstOrDefault(area => area.Start.Value > start), _set.TryFindNext(At(start), out found) ? found : default);
            Assert.Equal(
                areas.LastOrDefault(area => area.Last.Value < start), _set.TryFindPrevious(At(start), out found) ? found : default);
            List<MemorySet<TAddr, byte, ByteTable, ByteBackend<TAddr>>.Area> pieces = _model.Pieces(start, size);
            Assert.True(pieces.SequenceEqual(_set.Pieces(At(start), size)), "pieces differ");
            Assert.Equal(pieces.Aggregate(0UL, (sum, piece) => sum + piece.Size) == size, _set.Covers(At(start), size));
            Assert.True(size == 0 || _set.Overlaps(AddrRange.Of(At(start), size)) == pieces.Count > 0, "overlaps");

            ulong align = 1UL << _random.Next(7);
            ulong wanted = align * (ulong)_random.Next(5);
            ulong hint = Range().Start;
            ulong highest = start + (ulong)_random.Next((int)(_origin + Addresses - start));
            AddrRange<TAddr> limit = new(At(start), At(highest));
            Assert.Equal(_model.FindFree(hint, wanted, start, highest, align), _set.FindFreeArea(At(hint), wanted, limit, align)?.Value);
        }

        private (ulong Start, ulong Size) Range()
        {
            int start = _random.Next(Addresses);
            int size = _random.Next(3) == 0 ? _random.Next(Addresses) : _random.Next(24);
            if (_random.Next(8) > 0)
            {
                start -= start % (int)_options.Granule;
                size -= size % (int)_options.Granule;
            }

            size = _origin == 0 ? Math.Min(size, Addresses - start) : size;
            return (_origin + (ulong)start, (ulong)size);
        }
    }
}
