using System.Runtime.InteropServices;

namespace VmSim.Core.Mmu;

/// <content>Taking translations out, one by one or all that match.</content>
internal sealed unsafe partial class Tlb
{
    /// <summary>Takes the translation of one key out.</summary>
    /// <param name="key">The key.</param>
    /// <param name="page">Its page.</param>
    /// <param name="losses">Told what is dropped; null for nobody.</param>
    /// <returns>1 if it was there, else 0.</returns>
    public int Drop(ulong key, ulong page, LostTranslations? losses = null)
    {
        nuint set = SetOf(page);
        int way = WayOf(key, set);
        if (way < 0)
        {
            return 0;
        }

        Lose(losses, key, (int)((set * (nuint)_ways) + (nuint)way));
        Remove(set, way);
        return 1;
    }

    /// <summary>Drops every key whose masked bits have a value and whose page lies in a range.</summary>
    /// <returns>How many.</returns>
    public int DropWhere(ulong mask, ulong value, int pageShift, ulong firstPage, ulong pages, LostTranslations? losses = null)
    {
        // Set by set: a place's set and way are not worth a division each, of which a flush would make thousands.
        int before = _live;
        for (nuint set = 0; set < _sets && _live > 0; set++)
        {
            uint* digests = (uint*)(_heads + (set * (nuint)_headBytes));
            Entry* entries = _entries + (set * (nuint)_ways);
            for (int way = 0; way < _ways; way++)
            {
                if (entries[way].Rest != 0 && KeyOf(digests[way], entries[way].Rest) is ulong key && (key & mask) == value
                    && (key >> pageShift) - firstPage < pages)
                {
                    Lose(losses, key, (int)((set * (nuint)_ways) + (nuint)way));
                    Remove(set, way);
                }
            }
        }

        return before - _live;
    }

    /// <summary>Drops every key whose masked bits have another value.</summary>
    /// <returns>How many.</returns>
    public int DropUnless(ulong mask, ulong value, LostTranslations? losses = null)
    {
        int before = _live;
        for (int i = 0; i < Entries && _live > 0; i++)
        {
            if (_entries[i].Rest != 0 && KeyAt(i) is ulong key && (key & mask) != value)
            {
                Lose(losses, key, i);
                Remove((nuint)(i / _ways), i % _ways);
            }
        }

        return before - _live;
    }

    /// <summary>Drops everything; the replacement state of tree-PLRU stays.</summary>
    /// <returns>How many entries were there.</returns>
    public int DropAll(LostTranslations? losses = null)
    {
        int dropped = _live;
        for (int i = 0; losses is not null && i < Entries; i++)
        {
            if (_entries[i].Rest != 0)
            {
                Lose(losses, KeyAt(i), i);
            }
        }

        if (dropped > 0)
        {
            for (nuint set = 0; set < _sets; set++)
            {
                NativeMemory.Clear(_heads + (set * (nuint)_headBytes), (nuint)_ways * sizeof(uint));
            }

            NativeMemory.Clear(_entries, (nuint)Entries * (nuint)sizeof(Entry));
            ResetOrders();
            _live = 0;
            AssertConsistent();
        }

        return dropped;
    }

    /// <summary>Empties a way; it becomes the first to be filled.</summary>
    private void Remove(nuint set, int way)
    {
        ((uint*)(_heads + (set * (nuint)_headBytes)))[way] = 0;
        _entries[(set * (nuint)_ways) + (nuint)way].Rest = 0;
        _live--;
        byte* order = _orders + (set * (nuint)_orderBytes);
        if (_policy == Policy.Order)
        {
            *(ulong*)order = WayOrder.ToBack(*(ulong*)order, way, _ways);
        }
        else if (_policy == Policy.List)
        {
            ListToBack((Link*)order, way);
        }

        AssertSet(set);
    }
}
