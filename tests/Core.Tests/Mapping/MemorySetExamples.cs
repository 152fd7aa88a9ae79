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
    public sealed record PageBackend : IMappingBackend<Rights, PageArray>
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
        MemorySet<Rights, PageArray> set = new(new MemorySetOptions { Granule = PageSizes.BaseBytes });
        PageArray table = new(pages: 64);
        PageBackend backend = new();

        // Four pages from 0x4000; then the second and third are unmapped, which leaves two areas.
        if (!set.TryMap(new(new VirtAddr(0x4000), 0x4000, Rights.Read | Rights.Write, backend), table, out MappingError<VirtAddr> error))
        {
            throw new InvalidOperationException(error.ToString());
        }

        Assert.True(set.TryUnmap(new VirtAddr(0x5000), 0x2000, table, out _));
        Assert.Equal(2, set.Count);
        Assert.True(set.TryFind(new VirtAddr(0x7fff), out MemorySet<Rights, PageArray>.Area area));
        Assert.Equal(new VirtAddr(0x7000), area.Start);

        // The lowest two free pages at or above the hint.
        AddrRange<VirtAddr> limit = AddrRange.Of(new VirtAddr(0x4000), 0x3c000);
        Assert.Equal(new VirtAddr(0x5000), set.FindFreeArea(hint: new VirtAddr(0x4000), 0x2000, limit, align: 0x1000));
        #endregion
    }

    [Fact]
    public void Example_Refusal_Holds()
    {
        MemorySet<Rights, PageArray> set = new();
        PageArray table = new(pages: 64);
        PageBackend backend = new();

        #region refusal
        Assert.True(set.TryMap(new(new VirtAddr(0x1000), 0x1000, Rights.Read, backend), table, out _));
        Assert.True(set.TryMap(new(new VirtAddr(0x3000), 0x1000, Rights.Read, backend), table, out _));
        table.Entries[3] = 0; // somebody removed an entry behind the set's back

        // The first area agrees to be unmapped, the second refuses: nothing has happened.
        Assert.False(set.TryUnmap(new VirtAddr(0), 0x10000, table, out MappingError<VirtAddr> error));
        Assert.Equal("BadState at 0x3000, 4096 bytes", error.ToString());
        Assert.Equal(2, set.Count);
        Assert.NotEqual(0, table.Entries[1]);
        #endregion
    }

    [Fact]
    public void Example_Over_Holds()
    {
        MemorySet<Rights, PageArray> set = new();
        PageArray table = new(pages: 64);
        PageBackend backend = new();

        #region over
        Assert.True(set.TryMap(new(new VirtAddr(0x1000), 0x4000, Rights.Read, backend), table, out _));
        MemorySet<Rights, PageArray>.Area middle = new(new VirtAddr(0x2000), 0x1000, Rights.Read | Rights.Write, backend);

        // TryMap never takes anything away; TryMapOver unmaps what is in the way first, as MAP_FIXED does.
        Assert.False(set.TryMap(middle, table, out MappingError<VirtAddr> error));
        Assert.Equal(MappingErrorKind.AlreadyExists, error.Kind);
        Assert.True(set.TryMapOver(middle, table, out _));
        Assert.Equal(["0x1000", "0x2000", "0x3000"], set.Select(area => area.Start.ToString()));
        #endregion
    }

    [Fact]
    public void Example_Protect_Holds()
    {
        MemorySet<Rights, PageArray> set = new();
        PageArray table = new(pages: 64);
        PageBackend backend = new();

        #region protect
        Assert.True(set.TryMap(new(new VirtAddr(0x1000), 0x3000, Rights.Read | Rights.Write, backend), table, out _));

        // Only the middle page: the area splits in three, which share the backend.
        Assert.True(set.TryProtect(new VirtAddr(0x2000), 0x1000, default(Freeze), table, out _));
        Assert.Equal(["0x1000", "0x2000", "0x3000"], set.Select(area => area.Start.ToString()));

        // The same with a delegate: null leaves an area alone and whole.
        Assert.True(set.TryProtect(new VirtAddr(0), 0x10000, old => old == Rights.Read ? null : Rights.Read, table, out _));

        // The parts of areas in a range, clipped to it; foreach over Pieces allocates nothing.
        ulong bytes = 0;
        foreach (MemorySet<VirtAddr, Rights, PageArray, IMappingBackend<Rights, PageArray>>.Area piece
            in set.Pieces(new VirtAddr(0x1800), 0x1000))
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
        MemorySet<Rights, PageArray> set = new(new MemorySetOptions { MergeNeighbours = true, MaxAreas = 65_530 });
        PageArray table = new(pages: 64);
        PageBackend backend = new();
        Assert.True(set.TryMap(new(new VirtAddr(0x1000), 0x2000, Rights.Read, backend), table, out _));

        // mremap: the upper page moves away, then back; equal neighbours merge again.
        Assert.True(set.TryMove(from: new VirtAddr(0x2000), 0x1000, to: new VirtAddr(0x8000), table, out _));
        Assert.Equal(2, set.Count);
        Assert.True(set.TryMove(from: new VirtAddr(0x8000), 0x1000, to: new VirtAddr(0x2000), table, out _));
        Assert.Equal(1, set.Count);

        // brk: the area grows in place to four pages.
        Assert.True(set.TryResize(new VirtAddr(0x1000), 0x4000, table, out _));
        Assert.True(set.Covers(new VirtAddr(0x1000), 0x4000));
        #endregion
    }

    #region own-set
    /// <summary>A guest-physical address of 32 bits.</summary>
    public readonly record struct GuestPhysical(uint Number) : IMemoryAddress<GuestPhysical>
    {
        public static ulong MaxValue => uint.MaxValue;

        public ulong Value => Number;

        public static GuestPhysical FromValue(ulong value) => new(checked((uint)value));

        public int CompareTo(GuestPhysical other) => Number.CompareTo(other.Number);

        public override string ToString() => $"guest 0x{Number:x}";
    }

    /// <summary>Counts pages. A struct, so that the compiler calls it directly.</summary>
    public readonly record struct CountingBackend : IMappingBackend<GuestPhysical, Rights, int[]>
    {
        public bool Map(GuestPhysical start, ulong size, Rights flags, int[] pageTable)
        {
            pageTable[0] += (int)(size >> PageSizes.BaseShift);
            return true;
        }

        public bool Unmap(GuestPhysical start, ulong size, int[] pageTable)
        {
            pageTable[0] -= (int)(size >> PageSizes.BaseShift);
            return true;
        }

        public bool Protect(GuestPhysical start, ulong size, Rights newFlags, int[] pageTable) => true;
    }

    /// <summary>The four types are named here and nowhere else.</summary>
    public sealed class GuestSet() : MemorySet<GuestPhysical, Rights, int[], CountingBackend>(
        new MemorySetOptions { Granule = PageSizes.BaseBytes });
    #endregion

    [Fact]
    public void Example_OwnTypes_Holds()
    {
        #region own-types
        GuestSet set = new();
        int[] mapped = [0];
        GuestSet.Area top = new(new GuestPhysical(0xffff_f000), 0x1000, Rights.Read, default);

        // With a granule the very last page can be mapped: ranges are told by their last address.
        Assert.True(set.TryMap(top, mapped, out _));
        Assert.Equal(1, mapped[0]);
        Assert.True(set.Overlaps(new AddrRange<GuestPhysical>(new GuestPhysical(0xffff_f800), new GuestPhysical(0xffff_ffff))));
        #endregion
    }

    [Theory]
    [InlineData("backend")]
    [InlineData("update")]
    [InlineData("first-steps")]
    [InlineData("refusal")]
    [InlineData("over")]
    [InlineData("protect")]
    [InlineData("move")]
    [InlineData("own-set")]
    [InlineData("own-types")]
    public void Document_QuotesTheRegion(string region) => AssertQuotes(Document, region);

    [Theory]
    [InlineData("backend")]
    [InlineData("first-steps")]
    public void PageOfThePackage_QuotesTheRegion(string region) => AssertQuotes("src/Core/Mapping/PACKAGE.md", region);

    private static void AssertQuotes(string page, string region)
    {
        string[] lines = Read(Source);
        int first = Array.FindIndex(lines, line => line.Trim() == "#region " + region);
        int last = Array.FindIndex(lines, first, line => line.Trim() == "#endregion");
        int indent = lines[first].Length - lines[first].TrimStart().Length;
        string code = string.Join('\n', lines[(first + 1)..last].Select(line => line.Length > indent ? line[indent..] : line.TrimStart()));

        string document = string.Join('\n', Read(page));

        Assert.Contains("```csharp\n" + code + "\n```", document);
    }

    [Fact]
    public void Document_QuotesNothingElse() => Assert.Equal(9, Read(Document).Count(line => line == "```csharp"));

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
