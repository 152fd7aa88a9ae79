using VmSim.Core.Addresses;
using VmSim.Core.Programs;

namespace VmSim.Core.Engine;

/// <content>A block of the thread's stream that is gone over as a whole, and what is known of the pages that it goes to.</content>
internal sealed partial class ThreadSampling
{
    /// <summary>First address of the stream's pages.</summary>
    private VirtAddr _pagesStart;

    private VirtAddr _pagesEnd;
    private bool _pagesAreInOrder;

    /// <summary>Accesses of a stream that are gone over together; 0 for none.</summary>
    public long BlockLength { get; private set; }

    /// <summary>How many of them are behind the thread.</summary>
    public long BlockDone { get; private set; }

    /// <summary>Whether pages of the block are no longer known to be mapped.</summary>
    public bool IsStale { get; private set; }

    /// <summary>How many of the stream's pages, from the first on, are known to be mapped as accesses need them.</summary>
    public long ReadyPages { get; set; }

    /// <summary>Accesses that are behind the thread when it is worth looking again whether all of the stream's pages are.</summary>
    public long NextLook { get; set; }

    /// <summary>A block of the stream is gone over from here on.</summary>
    public void BeginBlock(long accesses)
    {
        BlockLength = accesses;
        BlockDone = 0;
        IsStale = false;
    }

    /// <summary>The block is over.</summary>
    public void EndBlock()
    {
        BlockLength = 0;
        IsStale = false;
    }

    /// <summary>What is known of the page table holds no longer.</summary>
    public void Forget()
    {
        ReadyPages = 0;
        IsStale = true;
    }

    /// <summary>It is these pages that are looked at.</summary>
    public void LookAt(SkippedPages pages) => (_pagesStart, _pagesEnd, _pagesAreInOrder) = (pages.Start, pages.End, pages.AreInOrder);

    /// <summary>What is known of some pages holds no longer.</summary>
    public void Forget(DeadRange dead)
    {
        if (dead.Overlaps(_pagesStart, _pagesEnd))
        {
            ulong before = dead.Start > _pagesStart ? (dead.Start.Value - _pagesStart.Value) >> PageSizes.BaseShift : 0;
            ReadyPages = _pagesAreInOrder ? Math.Min(ReadyPages, (long)before) : 0;
            IsStale = true;
        }
    }
}
