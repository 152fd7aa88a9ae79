using VmSim.Core.Addresses;

namespace VmSim.Core.Memory;

/// <summary>
/// What each frame of a pool holds, as the kernel put it there: zeros, a page of a file or shared object, or a version of a page that a
/// program may have stored to. Kept where a checker compares values; a frame that is handed out holds zeros.
/// </summary>
/// <remarks>
/// A version is a number, new whenever a page may be stored to anew: two pages hold the same if their numbers are equal, and stores to one
/// change neither a copy made before nor what the number says of it. An object's page is itself, whatever stores it took.
/// </remarks>
internal sealed class FrameContents
{
    /// <summary>Zeros.</summary>
    public const ulong Zeros = 0;

    private const ulong IsObject = 1UL << 63;
    private const int ObjectShift = 40;
    private const int ChunkShift = 9;
    private readonly ulong _first;
    private readonly List<MemoryObject> _objects = [];
    private ulong[]?[] _chunks = new ulong[]?[8];
    private ulong _versions;

    /// <summary>Begins with frames that all hold zeros.</summary>
    /// <param name="first">Number of the pool's first frame.</param>
    public FrameContents(ulong first) => _first = first;

    /// <summary>What a frame holds; zeros for one outside the pool.</summary>
    public ulong this[ulong frame]
    {
        get
        {
            ulong chunk = (frame - _first) >> ChunkShift;
            return chunk < (ulong)_chunks.Length && _chunks[chunk] is { } contents ? contents[SlotOf(frame)] : Zeros;
        }
    }

    /// <summary>Whether a program may have put it there, so that it is nowhere else than in frames that hold it.</summary>
    public static bool IsVersion(ulong contents) => contents is not Zeros and < IsObject;

    /// <summary>The page of a file or shared object.</summary>
    public ulong OfObject(MemoryObject source, ulong page)
    {
        if (source.Number == 0)
        {
            _objects.Add(source);
            source.Number = _objects.Count;
        }

        return IsObject | ((ulong)source.Number << ObjectShift) | page;
    }

    /// <summary>A frame has been cleared.</summary>
    public void Clear(ulong frame) => Set(frame, Zeros);

    /// <summary>A frame has been filled with an object's page.</summary>
    public void Read(PhysAddr frame, MemoryObject source, ulong page) => Set(frame.PageNumber, OfObject(source, page));

    /// <summary>Adjacent frames have been copied to others.</summary>
    public void Copy(PhysAddr from, PhysAddr to, ulong count)
    {
        for (ulong i = 0; i < count; i++)
        {
            Set(to.PageNumber + i, this[from.PageNumber + i]);
        }
    }

    /// <summary>A program may store to a frame from now on.</summary>
    /// <returns>The new version.</returns>
    public ulong Renew(ulong frame)
    {
        Set(frame, ++_versions);
        return _versions;
    }

    /// <summary>The contents in words: "zeros", "page 3 of /tmp/x", "version 7".</summary>
    public string Describe(ulong contents) => contents switch
    {
        Zeros => "zeros",
        < IsObject => $"version {contents}",
        _ => $"page {contents & ((1UL << ObjectShift) - 1)} of "
            + _objects[(int)((contents & ~IsObject) >> ObjectShift) - 1].Name,
    };

    private int SlotOf(ulong frame) => (int)((frame - _first) & ((1UL << ChunkShift) - 1));

    private void Set(ulong frame, ulong contents)
    {
        ulong chunk = (frame - _first) >> ChunkShift;
        if (chunk >= (ulong)_chunks.Length)
        {
            Array.Resize(ref _chunks, (int)Math.Max(chunk + 1, 2 * (ulong)_chunks.Length));
        }

        (_chunks[chunk] ??= new ulong[1 << ChunkShift])[SlotOf(frame)] = contents;
    }
}
