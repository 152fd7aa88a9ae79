namespace VmSim.Core.Paging;

/// <summary>The page-table formats that machine profiles can name.</summary>
public static class PageTableFormats
{
    /// <summary>All formats, in the order in which they are listed.</summary>
    public static IReadOnlyList<PageTableFormat> All { get; } =
    [
        new X64Format(4),
        new X64Format(5),
    ];

    /// <summary>The format with this name; null if there is none.</summary>
    public static PageTableFormat? ByName(string name)
    {
        foreach (PageTableFormat format in All)
        {
            if (format.Name == name)
            {
                return format;
            }
        }

        return null;
    }
}
