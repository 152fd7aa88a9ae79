using VmSim.Core.Addresses;
using VmSim.Core.Programs;
using VmSim.Core.Shootdown;

namespace VmSim.Core.Kernel.Causes;

/// <summary>
/// Whose calls and faults cost an address space what: figures by thread, call, area and call site. Its memory is bounded: when there are
/// too many areas they are told apart no longer, and when there are too many rows no threads either.
/// </summary>
internal sealed class CauseLedger
{
    /// <summary>Rows that are told apart.</summary>
    public const int RowsMax = 1 << 14;

    /// <summary>Areas that are told apart, by first address and by what lies there.</summary>
    public const int AreasMax = 1 << 10;

    private const int FirstRows = 16;

    /// <summary>Rows that are found without a dictionary: a power of two.</summary>
    private const int RecentRows = 64;

    private static readonly ThreadId Everybody = new(-1);
    private static readonly int FiguresOfRow = CauseFigure.All.Count;

    private readonly Dictionary<Key, int> _rows = [];
    private readonly List<Key> _keys = [];
    private readonly Recent[] _recent = new Recent[RecentRows];
    private Place _lastPlace;
    private int _lastPlaceNumber = -1;
    private long[] _values = new long[FirstRows * FiguresOfRow];
    private readonly Dictionary<Place, int> _placeNumbers = [];
    private readonly List<Place> _places = [];
    private readonly List<CallSite> _sites = [];
    private readonly Dictionary<string, int> _siteNumbers = [];

    /// <summary>The row of each shootdown, by number from 1, as long as shootdowns have records.</summary>
    private readonly List<int> _ofShootdown = [];

    /// <summary>Finds the row of an operation, or makes it.</summary>
    /// <param name="thread">Whose it is.</param>
    /// <param name="call">Its name.</param>
    /// <param name="area">Where its area begins; null for none.</param>
    /// <param name="content">What lies there.</param>
    /// <param name="site">From where it was called; null if that is not known.</param>
    public int RowOf(ThreadId thread, string call, VirtAddr? area, string content, CallSite? site)
    {
        int place = PlaceOf(new Place(area, content));
        int at = site is null ? -1 : SiteOf(site);
        ref Recent recent = ref _recent[((thread.Value * 31) + (place * 5) + call.Length) & (RecentRows - 1)];
        if (ReferenceEquals(recent.Key.Call, call) && recent.Key.Thread == thread && recent.Key.Place == place && recent.Key.Site == at)
        {
            return recent.Row;
        }

        Key key = new(thread, call, place, at);
        int row = Find(key);
        recent = new Recent(key, row);
        return row;
    }

    private int Find(Key key)
    {
        if (_rows.TryGetValue(key, out int row))
        {
            return row;
        }

        if (_keys.Count >= RowsMax)
        {
            key = new Key(Everybody, key.Call, PlaceOf(new Place(null, "")), -1);
            if (_rows.TryGetValue(key, out row))
            {
                return row;
            }
        }

        row = _keys.Count;
        _rows.Add(key, row);
        _keys.Add(key);
        if (_values.Length < _keys.Count * FiguresOfRow)
        {
            Array.Resize(ref _values, 2 * _values.Length);
        }

        return row;
    }

    /// <summary>Adds to a figure of a row.</summary>
    public void Add(int row, CauseFigure figure, long value) => _values[(row * FiguresOfRow) + figure.Index] += value;

    /// <summary>A shootdown begins; shootdowns come by rising number, one after the other.</summary>
    public void Begin(int row, ShootdownRequest shootdown)
    {
        if (shootdown.Id < ShootdownLog.RecordsMax)
        {
            _ofShootdown.Add(row);
        }

        Add(row, CauseFigure.Shootdowns, 1);
        Add(row, CauseFigure.DeadPages, shootdown.DeadPages);
    }

    /// <summary>The row of a shootdown; -1 if it is not kept any more.</summary>
    public int RowOfShootdown(long shootdown) => shootdown >= 1 && shootdown <= _ofShootdown.Count ? _ofShootdown[(int)shootdown - 1] : -1;

    /// <summary>All figures are 0 from now on; rows stay.</summary>
    public void Reset() => Array.Clear(_values);

    /// <summary>The rows, in the order in which they were made.</summary>
    public CauseRow[] Rows() => [.. _keys.Select((key, row) => new CauseRow
    {
        Thread = key.Thread,
        Call = key.Call,
        Object = _places[key.Place].Content,
        Area = _places[key.Place].Area,
        Site = key.Site < 0 ? null : _sites[key.Site],
        Values = _values[(row * FiguresOfRow)..((row + 1) * FiguresOfRow)],
    })];

    /// <summary>The row of each shootdown, by number from 1.</summary>
    public int[] RowsOfShootdowns() => [.. _ofShootdown];

    private int PlaceOf(Place place)
    {
        if (_lastPlaceNumber >= 0 && _lastPlace.Area == place.Area && ReferenceEquals(_lastPlace.Content, place.Content))
        {
            return _lastPlaceNumber;
        }

        _lastPlaceNumber = FindPlace(place);
        _lastPlace = place;
        return _lastPlaceNumber;
    }

    private int FindPlace(Place place)
    {
        if (_placeNumbers.TryGetValue(place, out int number))
        {
            return number;
        }

        if (_places.Count >= AreasMax && place.Area is not null)
        {
            return FindPlace(place with { Area = null });
        }

        if (_places.Count >= 2 * AreasMax && place.Content.Length > 0)
        {
            return FindPlace(default(Place) with { Content = "" });
        }

        _placeNumbers.Add(place, _places.Count);
        _places.Add(place);
        return _places.Count - 1;
    }

    private int SiteOf(CallSite site)
    {
        if (!_siteNumbers.TryGetValue(site.Text, out int number))
        {
            number = _sites.Count;
            _siteNumbers.Add(site.Text, number);
            _sites.Add(site);
        }

        return number;
    }

    private readonly record struct Place(VirtAddr? Area, string Content);

    /// <summary>A row that was found lately.</summary>
    private readonly record struct Recent(Key Key, int Row);

    private readonly record struct Key(ThreadId Thread, string Call, int Place, int Site);
}
