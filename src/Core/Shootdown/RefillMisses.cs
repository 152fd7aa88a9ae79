namespace VmSim.Core.Shootdown;

/// <summary>
/// Refill misses by shootdown: page walks that brought back a live translation which their core had lost to the shootdown. Cores add from
/// any thread; a sum does not depend on their order.
/// </summary>
/// <param name="spaces">Address spaces of the run.</param>
internal sealed class RefillMisses(int spaces)
{
    private const int ChunkShift = 12;
    private const int Chunk = 1 << ChunkShift;
    private readonly int[]?[]?[] _counts = new int[]?[]?[spaces];

    /// <summary>
    /// Adds to what a shootdown caused. Shootdowns beyond <see cref="ShootdownLog.RecordsMax"/> of a space are not told apart, and not
    /// counted here.
    /// </summary>
    public void Add(int space, long shootdown, int count)
    {
        if (shootdown < ShootdownLog.RecordsMax)
        {
            int[]?[] chunks = Made(ref _counts[space], ShootdownLog.RecordsMax >> ChunkShift);
            int[] counts = Made(ref chunks[shootdown >> ChunkShift], Chunk);
            Interlocked.Add(ref counts[shootdown & (Chunk - 1)], count);
        }
    }

    /// <summary>What a shootdown has caused so far.</summary>
    public int Of(int space, long shootdown) => _counts[space]?[shootdown >> ChunkShift]?[shootdown & (Chunk - 1)] ?? 0;

    /// <summary>What the shootdowns of a space have caused so far; those that caused nothing are left out.</summary>
    public Dictionary<int, int> Of(int space)
    {
        Dictionary<int, int> misses = [];
        for (int chunk = 0; _counts[space] is { } chunks && chunk < chunks.Length; chunk++)
        {
            for (int i = 0; chunks[chunk] is { } counts && i < Chunk; i++)
            {
                if (counts[i] != 0)
                {
                    misses.Add((chunk << ChunkShift) + i, counts[i]);
                }
            }
        }

        return misses;
    }

    /// <summary>Nothing has been caused.</summary>
    public void Clear() => Array.Clear(_counts);

    private static T[] Made<T>(ref T[]? array, int length) =>
        Volatile.Read(ref array) ?? Interlocked.CompareExchange(ref array, new T[length], null) ?? array;
}
