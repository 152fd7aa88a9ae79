using System.Diagnostics;

namespace VmSim.Core.Traces;

/// <summary>A record of references to one page, as most records of a trace are, in the least room.</summary>
public readonly record struct VmtAccess
{
    private const int PageShift = 8;
    private readonly ulong _pageAndKind;

    /// <summary>Makes a record.</summary>
    /// <param name="kind"><see cref="VmtKind.Fetch"/>, <see cref="VmtKind.Load"/> or <see cref="VmtKind.Store"/>.</param>
    /// <param name="page">The page's number, below 2^52.</param>
    /// <param name="count">References, at least 1.</param>
    public VmtAccess(VmtKind kind, ulong page, ulong count)
    {
        Debug.Assert(kind is VmtKind.Fetch or VmtKind.Load or VmtKind.Store && page >> 52 == 0, "a reference to a page of an address");
        _pageAndKind = (page << PageShift) | (byte)kind;
        Count = count;
    }

    /// <summary>What it says.</summary>
    public VmtKind Kind => (VmtKind)(byte)_pageAndKind;

    /// <summary>The page's number.</summary>
    public ulong Page => _pageAndKind >> PageShift;

    /// <summary>References.</summary>
    public ulong Count { get; }
}
