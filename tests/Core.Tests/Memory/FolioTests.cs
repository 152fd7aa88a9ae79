using VmSim.Core.Addresses;
using VmSim.Core.Memory;
using VmSim.Core.Paging;
using VmSim.Core.Settings;

namespace VmSim.Core.Tests.Memory;

/// <summary>
/// Files in folios of the page cache: what Linux 6.18 mapped, read from /proc/self/pagemap after one access to a file on ext4 that was
/// written in pieces as large as the folio.
/// </summary>
public sealed class FolioTests
{
    private const ulong Pages = 4096;

    [Theory]
    [InlineData(4, AccessKind.Load, 256)]
    [InlineData(4, AccessKind.Store, 4096)]
    [InlineData(16, AccessKind.Load, 256)]
    [InlineData(16, AccessKind.Store, 1024)]
    [InlineData(64, AccessKind.Load, 256)]
    [InlineData(64, AccessKind.Store, 256)]
    [InlineData(256, AccessKind.Load, 64)]
    [InlineData(256, AccessKind.Store, 64)]
    [InlineData(1024, AccessKind.Load, 16)]
    [InlineData(1024, AccessKind.Store, 16)]
    public void SharedFile_TouchedPageByPage_FaultsOnceAFolioOrWindow(ulong kibibytes, AccessKind kind, int faults)
    {
        TestSpace space = Space(kibibytes, Pages << PageSizes.BaseShift);
        space.MapFile(TestSpace.FileA, 0, Pages, shared: true);
        Assert.Equal(faults, space.Touch(0, Pages, kind).Values.Sum());
        Assert.Equal((long)Pages, space.Memory.Resident.File);
        Assert.Equal(kind == AccessKind.Store ? (long)Pages : 0, space.Memory.Cache.DirtyPages);
    }

    [Fact]
    public void SharedFile_StoredToAfterReads_FaultsForEachPage()
    {
        TestSpace space = Space(1024, Pages << PageSizes.BaseShift);
        space.MapFile(TestSpace.FileA, 0, Pages, shared: true);
        space.Touch(0, Pages, AccessKind.Load);
        Assert.Equal(new() { [FaultKind.ReuseWrite] = (int)Pages }, space.Touch(0, Pages, AccessKind.Store));
    }

    [Fact]
    public void PrivateFile_Stores_CopyPageByPage()
    {
        TestSpace space = Space(1024, Pages << PageSizes.BaseShift);
        space.MapFile(TestSpace.FileA, 0, Pages);
        Assert.Equal(new() { [FaultKind.FilePrivateCopy] = (int)Pages }, space.Touch(0, Pages, AccessKind.Store));
    }

    [Theory]
    [InlineData(0, 1000, 100, AccessKind.Load, 0, "64..127")]
    [InlineData(4, 1000, 10, AccessKind.Load, 4, "0..15")]
    [InlineData(4, 1000, 10, AccessKind.Load, 0, "0..15")]
    [InlineData(4, 1000, 100, AccessKind.Load, 4, "60..123")]
    [InlineData(4, 1000, 100, AccessKind.Load, 0, "60..123")]
    [InlineData(0, 1000, 500, AccessKind.Load, 100, "448..511")]
    [InlineData(0, 1000, 430, AccessKind.Load, 100, "428..443")]
    [InlineData(0, 100, 80, AccessKind.Load, 0, "80..95")]
    [InlineData(0, 100, 80, AccessKind.Store, 0, "80..80")]
    [InlineData(0, 100, 10, AccessKind.Store, 0, "0..63")]
    [InlineData(4, 1000, 10, AccessKind.Store, 4, "10..10")]
    [InlineData(4, 1000, 100, AccessKind.Store, 0, "60..123")]
    [InlineData(0, 1000, 60, AccessKind.Load, 4, "0..127")]
    public void Fault_InAnArea_MapsWholeFoliosWithinAreaAndTable(
        ulong offset, ulong area, ulong touched, AccessKind kind, ulong at, string expected)
    {
        TestSpace space = Space(256, Pages << PageSizes.BaseShift);
        space.MapFile(TestSpace.FileA, at, area, offset, shared: kind == AccessKind.Store);
        space.Fault(at + touched, kind);
        Assert.Equal(expected, Present(space, at, area));
    }

    [Theory]
    [InlineData(70, AccessKind.Load, "64..95")]
    [InlineData(90, AccessKind.Store, "64..95")]
    [InlineData(96, AccessKind.Load, "96..108")]
    [InlineData(108, AccessKind.Load, "96..108")]
    [InlineData(100, AccessKind.Store, "96..103")]
    [InlineData(104, AccessKind.Store, "104..107")]
    [InlineData(108, AccessKind.Store, "108..108")]
    public void Fault_AtTheEndOfAFile_MapsItsSmallerFolios(ulong touched, AccessKind kind, string expected)
    {
        TestSpace space = Space(256, 109 << PageSizes.BaseShift);
        space.MapFile(TestSpace.FileA, 0, 109, shared: kind == AccessKind.Store);
        space.Fault(touched, kind);
        Assert.Equal(expected, Present(space, 0, 109));
    }

    [Fact]
    public void Store_IntoAFolioOfWhichAPageIsMapped_MapsOnePage()
    {
        TestSpace space = Space(256, Pages << PageSizes.BaseShift);
        space.MapFile(TestSpace.FileA, 0, 64, shared: true);
        space.Fault(10, AccessKind.Store);
        space.Advise(0, 20, Core.Programs.Advice.DontNeed);
        space.Fault(3, AccessKind.Store);
        Assert.Equal("3..3 20..63", Present(space, 0, 64));
    }

    [Fact]
    public void Parse_Rules_TakesTheFirstThatFits()
    {
        FolioSizes sizes = FolioSizes.Parse(8192, " */bin/git = 1 MiB, libc.so.*=65536,*=16 KiB ", "memory.folios");
        Assert.Equal(
            [1UL << 20, 65536, 16384, 16384],
            new[] { "/usr/bin/git", "/lib/libc.so.6", "/lib/x/libm.so.6", "git" }.Select(sizes.BytesOf));
        Assert.Equal(["*"], sizes.Unused(["/usr/bin/git", "/lib/libc.so.6"]));
        Assert.Equal((8192UL, 8192UL), (FolioSizes.Parse(8192, "", "k").BytesOf("/x"), FolioSizes.Parse(8192, "", "k").LargestBytes));
    }

    [Theory]
    [InlineData("git")]
    [InlineData("=4096")]
    [InlineData("git=5000")]
    [InlineData("git=2 MiB")]
    [InlineData("a=4 KiB, b")]
    [InlineData("git=x")]
    public void Parse_WhatIsNoRule_SaysWhatIsAllowed(string rules)
    {
        ScenarioException error = Assert.Throws<ScenarioException>(() => FolioSizes.Parse(4096, rules, "memory.folios"));
        Assert.StartsWith("memory.folios: \"", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("a size is a power of two from 4 KiB to 1 MiB", error.Message, StringComparison.Ordinal);
    }

    private static TestSpace Space(ulong kibibytes, ulong fileBytes)
    {
        FramePool pool = new(1UL << 30);
        FolioSizes folios = FolioSizes.Parse(4096, $"big={kibibytes} KiB", "memory.folios");
        return new TestSpace(new VirtualMemory(
            new PageTable(PageTableFormats.X64), pool, new PageCache(pool, folios: folios), new VirtualMemoryOptions { Folios = folios },
            [new("/x/big", fileBytes)]));
    }

    /// <summary>Runs of present pages, counted from the area's first: "0..15 32..47".</summary>
    private static string Present(TestSpace space, ulong at, ulong pages)
    {
        List<string> runs = [];
        for (ulong page = 0; page < pages; page++)
        {
            ulong first = page;
            while (page < pages && space.Memory.Table.Query(TestSpace.At(at + page)).Present)
            {
                page++;
            }

            if (page > first)
            {
                runs.Add($"{first}..{page - 1}");
            }
        }

        return string.Join(' ', runs);
    }
}
