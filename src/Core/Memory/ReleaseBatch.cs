using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Memory;

/// <summary>Frames with rising, adjacent numbers.</summary>
/// <param name="First">The first frame.</param>
/// <param name="Count">Frames of 4 KiB; at least 1.</param>
public readonly record struct FrameRun(PhysAddr First, ulong Count);

/// <summary>
/// What one operation gave up, and nobody may use before <see cref="VirtualMemory.Release"/>: one reference on each frame that lost a
/// mapping, and the table pages that became empty. A frame is free after the last of its references went (Linux: struct mmu_gather holds
/// references the same way, mm/mmu_gather.c).
/// </summary>
public sealed class ReleaseBatch
{
    private FrameRun[] _runs = new FrameRun[1];
    private int _count;

    /// <summary>
    /// The frames that lose one reference each, in the order in which the operation met them. A frame with two mappings that died stands
    /// here twice.
    /// </summary>
    public ReadOnlySpan<FrameRun> Frames => _runs.AsSpan(0, _count);

    /// <summary>References that the batch holds, one a frame and dead mapping.</summary>
    public long FrameReferences { get; private set; }

    /// <summary>The table pages that became empty.</summary>
    public FreedTableBatch Tables { get; internal set; }

    /// <summary>Whether the release has happened.</summary>
    public bool IsReleased { get; internal set; }

    /// <summary>How much the batch holds now, for <see cref="CutTo"/>.</summary>
    internal (int Runs, FrameRun Last, long References) Position => (_count, _count > 0 ? _runs[_count - 1] : default, FrameReferences);

    /// <summary>Forgets what was added since.</summary>
    internal void CutTo((int Runs, FrameRun Last, long References) position)
    {
        _count = position.Runs;
        FrameReferences = position.References;
        if (_count > 0)
        {
            _runs[_count - 1] = position.Last;
        }
    }

    /// <summary>Takes over one reference on each of several adjacent frames.</summary>
    internal void Add(PhysAddr first, ulong count)
    {
        FrameReferences += (long)count;
        if (_count > 0)
        {
            ref FrameRun last = ref _runs[_count - 1];
            if (last.First + (last.Count << PageSizes.BaseShift) == first)
            {
                last = last with { Count = last.Count + count };
                return;
            }
        }

        if (_count == _runs.Length)
        {
            Array.Resize(ref _runs, _count * 2);
        }

        _runs[_count++] = new FrameRun(first, count);
    }
}
