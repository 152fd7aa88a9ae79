namespace VmSim.Core.Mmu;

/// <summary>The shape of an array that the hot loop is compiled for, so that what it needs of it are constants.</summary>
internal interface ITlbShape
{
    /// <summary>Ways of a set, 1 to 14; 0 for arrays of any shape.</summary>
    static abstract int Ways { get; }

    /// <summary>Whether page numbers may be folded to find a set (<see cref="TlbIndexes.Xor"/>).</summary>
    static abstract bool Folds { get; }
}

/// <summary>Any number of ways, sets and policy.</summary>
internal readonly struct AnyShape : ITlbShape
{
    /// <inheritdoc/>
    public static int Ways => 0;

    /// <inheritdoc/>
    public static bool Folds => true;
}

/// <summary>A power of two of sets of 4 ways in the order of use, indexed modulo sets, as most first levels have.</summary>
internal readonly struct Shape4 : ITlbShape
{
    /// <inheritdoc/>
    public static int Ways => 4;

    /// <inheritdoc/>
    public static bool Folds => false;
}

/// <summary>A power of two of sets of 12 ways in the order of use, as the second level of Intel's Skylake and its successors.</summary>
internal readonly struct Shape12 : ITlbShape
{
    /// <inheritdoc/>
    public static int Ways => 12;

    /// <inheritdoc/>
    public static bool Folds => true;
}
