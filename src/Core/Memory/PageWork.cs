namespace VmSim.Core.Memory;

/// <summary>
/// Parts of what an operation did to pages that cost other than its plain pages do. They are contained in the operation's counts and say
/// which of them were of a kind.
/// </summary>
public record struct PageWork
{
    /// <summary>Translations that were removed of the page of zeros, and of pages that stay in the page cache clean.</summary>
    public int ZappedUnowned { get; set; }

    /// <summary>Translations that were removed of dirty pages of shared mappings.</summary>
    public int ZappedDirtyShared { get; set; }

    /// <summary>Large translations that were removed whose memory goes.</summary>
    public int ZappedLarge { get; set; }

    /// <summary>Large translations that smaller ones replaced.</summary>
    public int LargeSplit { get; set; }

    /// <summary>Translations whose accessed and dirty flags were taken away.</summary>
    public int Cleared { get; set; }

    /// <summary>Translations of files in the page cache that a call made on its own behalf.</summary>
    public int PopulatedFile { get; set; }

    /// <summary>New frames that were given to pages of shared memory.</summary>
    public int NewShared { get; set; }

    /// <summary>Pages of zeros that a store replaced by a new frame, which nothing is copied to.</summary>
    public int ZerosReplaced { get; set; }

    /// <summary>Large pages of zeros that were mapped.</summary>
    public int LargeZeros { get; set; }

    /// <summary>Objects of shared memory whose last mapping went.</summary>
    public int SharedObjectsGone { get; set; }
}
