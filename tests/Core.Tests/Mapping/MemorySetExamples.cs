using VmSim.Core.Addresses;
using VmSim.Core.Mapping;

namespace VmSim.Core.Tests.Mapping;

/// <summary>The examples of docs/memory-set.md: the document quotes the regions of this file, and a test compares the two.</summary>
public sealed class MemorySetExamples
{
    private const string Document = "docs/memory-set.md";
    private const string Source = "tests/Core.Tests/Mapping/MemorySetExamples.cs";

    #region backend
    [Flags]
    public enum Rights : byte
    {
        None = 0,
        Read = 1,
        Write = 2,
    }

    /// <summary>One entry per page of 4 KiB; 0 is absent.</summary>
    public sealed class PageArray(int pages)
    {
        public byte[] Entries { get; } = new byte[pages];

        public Span<byte> Of(VirtAddr start, ulong size) => Entries.AsSpan((int)start.PageNumber, (int)(size >> PageSizes.BaseShift));
    }

    /// <summary>Refuses to map what is present, and to unmap or protect what is absent; then it has changed nothing.</summary>
    public sealed record PageBackend : IMappingBackend<VirtAddr, Rights, PageArray>
    {
        private const byte Present = 0x80;

        public bool Map(VirtAddr start, ulong size, Rights flags, PageArray pageTable)
        {
            Span<byte> entries = pageTable.Of(start, size);
            bool free = !entries.ContainsAnyExcept((byte)0);
            if (free)
            {
                entries.Fill((byte)(Present | (byte)flags));
            }

            return free;
        }

        public bool Unmap(VirtAddr start, ulong size, PageArray pageTable) => Replace(pageTable.Of(start, size), 0);

        public bool Protect(VirtAddr start, ulong size, Rights newFlags, PageArray pageTable) =>
            Replace(pageTable.Of(start, size), (byte)(Present | (byte)newFlags));

        private static bool Replace(Span<byte> entries, byte entry)
        {
            bool present = !entries.Contains((byte)0);
            if (present)
            {
                entries.Fill(entry);
            }

            return present;
        }
    }
    #endregion

    #region update
    /// <summary>Takes the right to write away; areas without it stay as they are. A struct, so that protecting allocates nothing.</summary>
    public readonly struct Freeze : IFlagsUpdate<Rights>
    {
        public bool TryUpdate(Rights old, out Rights updated)
        {
            updated = old & ~Rights.Write;
            return updated != old;
        }
    }
    #endregion

    [Fact]
    public void Example_FirstSteps_Holds()
    {
        #region first-steps
        var set = new MemorySet<VirtAddr, Rights, PageArray, PageBackend>(new MemorySetOptions { Granule = PageSizes.BaseBytes });
        PageArray table = new(pages: 64);
        PageBackend backend = new();

        // Four pages from 0x4000; then the second and third are unmapped, which leaves two areas.
        MappingError? error = set.Map(new(new VirtAddr(0x4000), 0x4000, Rights.Read | Rights.Write, backend), table, unmapOverlap: false);
        Assert.Null(error);
        Assert.Null(set.Unmap(new VirtAddr(0x5000), 0x2000, table));
        Assert.Equal(2, set.Count);
        Assert.True(set.TryFind(new VirtAddr(0x7fff), out var area));
        Assert.Equal(new VirtAddr(0x7000), area.Start);

        // The lowest two free pages at or above the hint.
        AddrRange<VirtAddr> limit = new(new VirtAddr(0x4000), new VirtAddr(0x40000));
        Assert.Equal(new VirtAddr(0x5000), set.FindFreeArea(hint: new VirtAddr(0x4000), 0x2000, limit, align: 0x1000));
        #endregion
    }

    [Fact]
    public void Example_Refusal_Holds()
    {
        var set = new MemorySet<VirtAddr, Rights, PageArray, PageBackend>();
        PageArray table = new(pages: 64);
        PageBackend backend = new();

        #region refusal
        set.Map(new(new VirtAddr(0x1000), 0x1000, Rights.Read, backend), table, unmapOverlap: false);
        set.Map(new(new VirtAddr(0x3000), 0x1000, Rights.Read, backend), table, unmapOverlap: false);
        table.Entries[3] = 0; // somebody removed an entry behind the set's back

        // The first area agrees to be unmapped, the second refuses: nothing has happened.
        MappingError? error = set.Unmap(new VirtAddr(0), 0x10000, table);
        Assert.Equal(new MappingError(MappingErrorKind.BadState, 0x3000, 0x1000), error);
        Assert.Equal(2, set.Count);
        Assert.NotEqual(0, table.Entries[1]);
        #endregion
    }

    [Fact]
    public void Example_Protect_Holds()
    {
        var set = new MemorySet<VirtAddr, Rights, PageArray, PageBackend>();
        PageArray table = new(pages: 64);
        PageBackend backend = new();

        #region protect
        set.Map(new(new VirtAddr(0x1000), 0x3000, Rights.Read | Rights.Write, backend), table, unmapOverlap: false);

        // Only the middle page: the area splits in three, which share the backend.
        Assert.Null(set.Protect(new VirtAddr(0x2000), 0x1000, default(Freeze), table));
        Assert.Equal([0x1000UL, 0x2000UL, 0x3000UL], set.Select(piece => piece.Start.Value));

        // The same with a delegate: null leaves an area alone and whole.
        Assert.Null(set.Protect(new VirtAddr(0), 0x10000, old => old == Rights.Read ? null : Rights.Read, table));

        // The parts of areas in a range, clipped to it; foreach over Pieces allocates nothing.
        ulong bytes = 0;
        foreach (var piece in set.Pieces(new VirtAddr(0x1800), 0x1000))
        {
            bytes += piece.Size;
        }

        Assert.Equal(0x1000UL, bytes);
        #endregion
    }

    [Fact]
    public void Example_Move_Holds()
    {
        #region move
        var set = new MemorySet<VirtAddr, Rights, PageArray, PageBackend>(new MemorySetOptions { MergeNeighbours = true, MaxAreas = 65_530 });
        PageArray table = new(pages: 64);
        PageBackend backend = new();
        set.Map(new(new VirtAddr(0x1000), 0x2000, Rights.Read, backend), table, unmapOverlap: false);

        // mremap: the upper page moves away, then back; equal neighbours merge again.
        Assert.Null(set.Move(from: new VirtAddr(0x2000), 0x1000, to: new VirtAddr(0x8000), table, unmapOverlap: false));
        Assert.Equal(2, set.Count);
        Assert.Null(set.Move(from: new VirtAddr(0x8000), 0x1000, to: new VirtAddr(0x2000), table, unmapOverlap: false));
        Assert.Equal(1, set.Count);

        // brk: the area grows in place to four pages.
        Assert.Null(set.Resize(new VirtAddr(0x1000), 0x4000, table));
        Assert.True(set.Covers(new VirtAddr(0x1000), 0x4000));
        #endregion
    }

    [Theory]
    [InlineData("backend")]
    [InlineData("update")]
    [InlineData("first-steps")]
    [InlineData("refusal")]
    [InlineData("protect")]
    [InlineData("move")]
    public void Document_QuotesTheRegion(string region)
    {
        string[] lines = Read(Source);
        int first = Array.FindIndex(lines, line => line.Trim() == "#region " + region);
        int last = Array.FindIndex(lines, first, line => line.Trim() == "#endregion");
        int indent = lines[first].Length - lines[first].TrimStart().Length;
        string code = string.Join('\n', lines[(first + 1)..last].Select(line => line.Length > indent ? line[indent..] : line.TrimStart()));

        string document = string.Join('\n', Read(Document));

        Assert.Contains("```csharp\n" + code + "\n```", document);
    }

    [Fact]
    public void Document_QuotesNothingElse() => Assert.Equal(6, Read(Document).Count(line => line == "```csharp"));

    private static string[] Read(string path)
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Simulation.sln")))
        {
            folder = folder.Parent;
        }

        Assert.NotNull(folder);
        return File.ReadAllLines(Path.Combine(folder.FullName, path));
    }
}
