namespace VmSim.Core.Mmu;

/// <content>Entries that map a group of neighbouring 4 KiB pages.</content>
/// <remarks>
/// A run keeps the data of its first page: the frames of the others follow, and flags are equal. A pair keeps that of the odd page apart,
/// by place; 0 stands for a page that is not there.
/// </remarks>
internal sealed unsafe partial class Tlb
{
    private readonly ulong* _odd;

    /// <summary>Pages of a group, as a power of two; 0 if entries map one page each.</summary>
    public int GroupShift => _groupShift;

    /// <summary>The data of one page of a group.</summary>
    /// <param name="data">Where the entry's data stands.</param>
    /// <param name="index">The page's place in the group.</param>
    /// <returns>0 if the page is not there.</returns>
    public ulong DataOf(ulong* data, ulong index) =>
        !_pairs ? *data + (index << CoreMmu.FrameShift) : index == 0 ? *data : _odd[(Entry*)data - _entries];

    /// <summary>The data of one page of the group in a place of the array.</summary>
    public ulong DataAt(int entry, ulong index) => DataOf(&_entries[entry].Data, index);

    /// <summary>Sets the odd page of a pair that has just been put in.</summary>
    public void SetOdd(ulong key, ulong page, ulong data) => _odd[(Entry*)Peek(key, page) - _entries] = data;

    /// <summary>Tells of an entry that is dropped, of a group page by page.</summary>
    private void Lose(LostTranslations? losses, ulong key, int entry)
    {
        if (losses is null)
        {
            return;
        }

        if (!CoreMmu.IsGroup(key, _groupShift))
        {
            losses.Note(key, _entries[entry].Data);
            return;
        }

        for (ulong index = 0; index >> _groupShift == 0; index++)
        {
            ulong data = DataAt(entry, index);
            if (data != 0)
            {
                losses.Note(CoreMmu.KeyInGroup(key, _groupShift, index), data);
            }
        }
    }
}
