using VmSim.Core.Addresses;
using VmSim.Core.Mmu;
using VmSim.Core.Paging;

namespace VmSim.Core.Tests.Mmu;

/// <summary>A guest's table on a host's: what walks cost, what they find, and whose faults they are.</summary>
public sealed class NestedPagingTests : IDisposable
{
    private const PageFlags UserData = PageFlags.Read | PageFlags.Write | PageFlags.User;
    private const PageFlags HostData = PageFlags.Read | PageFlags.Write | PageFlags.Execute;
    private const ulong TablesAt = 0x40_0000_0000;
    private const ulong Here = 0x7F00_0000_0000;

    private readonly PageTable _guest = new(PageTableFormats.All.Require("x86-64", "format")) { TableBase = new PhysAddr(TablesAt) };
    private readonly PageTable _host = new(PageTableFormats.All.Require("x86-64", "format"));
    private ulong _nextHostFrame = 0x100_0000;

    public void Dispose()
    {
        _guest.Dispose();
        _host.Dispose();
    }

    [Theory]
    [InlineData(16)]
    [InlineData(0)]
    public void Translate_FourLevelsEach_TakesTwentyFourReferencesCold(int nestedEntries)
    {
        MapGuest(Here, 0x5000);
        ulong frame = Back(0x5000);
        BackTables();
        using CoreMmu mmu = Make(nestedEntries);
        TranslationResult cold = mmu.Translate(AccessKind.Load, Here + 0x123, user: true, time: 0);
        Assert.Equal(TranslationOutcome.Walked, cold.Outcome);
        Assert.Equal(24, cold.References);
        Assert.Equal(1 + (24 * 30) + 7, cold.Cycles);
        Assert.Equal(frame, cold.Frame << 12);
        TranslationResult warm = mmu.Translate(AccessKind.Load, Here + 0xFF8, user: true, time: 0);
        Assert.Equal(TranslationOutcome.L1Hit, warm.Outcome);
        Assert.Equal(frame, warm.Frame << 12);
    }

    [Theory]
    [InlineData(16, 5)]
    [InlineData(0, 9)]
    public void Translate_NextPage_TakesFewReferences(int nestedEntries, int expected)
    {
        MapGuest(Here, 0x5000);
        MapGuest(Here + 0x1000, 0x9000);
        Back(0x5000);
        Back(0x9000);
        BackTables();
        using CoreMmu mmu = Make(nestedEntries);
        mmu.Translate(AccessKind.Load, Here, user: true, time: 0);
        TranslationResult next = mmu.Translate(AccessKind.Load, Here + 0x1000, user: true, time: 0);
        Assert.Equal(0, next.WalkStart);
        Assert.Equal(expected, next.References);
        mmu.InvalidateNested();
        Assert.Equal(24, mmu.Translate(AccessKind.Load, Here + 0x1000, user: true, time: 0).References);
    }

    [Fact]
    public void Invalidate_ByTheGuest_LeavesNestedTranslations()
    {
        MapGuest(Here, 0x5000);
        Back(0x5000);
        BackTables();
        using CoreMmu mmu = Make(16);
        mmu.Translate(AccessKind.Load, Here, user: true, time: 0);
        mmu.InvalidatePage(new Asid(1), Here);
        Assert.Equal(4, mmu.Translate(AccessKind.Load, Here, user: true, time: 0).References);
        mmu.InvalidateAsid(new Asid(1));
        Assert.Equal(4, mmu.Translate(AccessKind.Load, Here, user: true, time: 0).References);
    }

    [Fact]
    public void Translate_StaleDirectoryEntry_DoesNotFaultTwice()
    {
        MapGuest(Here, 0x5000);
        Back(0x5000);
        Back(0x6000);
        using CoreMmu mmu = Make(16);
        BackTables();
        mmu.Translate(AccessKind.Load, Here, user: true, time: 0);

        // The table page goes and another one comes, and nobody tells the core.
        NoVisitor nobody = default;
        _guest.UnmapRange(new VirtAddr(Here), 4096, ref nobody);
        MapGuest(Here + 0x1000, 0x6000);
        for (int page = 0; page < _guest.TablePageLimit; page++)
        {
            ulong address = _guest.TableAddress(page).Value;
            if (!_host.Query(new VirtAddr(address)).Mapped)
            {
                Back(address);
            }
        }

        TranslationResult first = mmu.Translate(AccessKind.Load, Here + 0x1000, user: true, time: 0);
        TranslationResult second = mmu.Translate(AccessKind.Load, Here + 0x1000, user: true, time: 0);
        Assert.Equal((TranslationOutcome.NotPresentFault, TranslationOutcome.Walked), (first.Outcome, second.Outcome));
    }

    [Fact]
    public void Translate_LargeHostPage_KeepsTheSmallerSize()
    {
        MapGuest(Here, 0x20_5000);
        Assert.True(_host.Map(new VirtAddr(0x20_0000), new PhysAddr(0x4000_0000), PageSize.Size2M, HostData));
        BackTables();
        using CoreMmu mmu = Make(16);
        TranslationResult result = mmu.Translate(AccessKind.Load, Here, user: true, time: 0);
        Assert.Equal(23, result.References);
        Assert.Equal(PageSize.Size4K, result.Size);
        Assert.Equal(0x4000_5UL, result.Frame);
    }

    [Fact]
    public void Translate_GuestPageLargerThanTheHosts_KeepsTheSmallerSize()
    {
        Assert.True(_guest.Map(new VirtAddr(Here), new PhysAddr(0x20_0000), PageSize.Size2M, UserData));
        ulong third = Back(0x20_3000);
        ulong fourth = Back(0x20_4000);
        BackTables();
        using CoreMmu mmu = Make(16);
        Assert.Equal(third >> 12, mmu.Translate(AccessKind.Load, Here + 0x3000, user: true, time: 0).Frame);
        TranslationResult result = mmu.Translate(AccessKind.Load, Here + 0x4000, user: true, time: 0);
        Assert.Equal(TranslationOutcome.Walked, result.Outcome);
        Assert.Equal(PageSize.Size4K, result.Size);
        Assert.Equal(fourth >> 12, result.Frame);
    }

    [Fact]
    public void Translate_WhatTheHostLacks_IsAFaultOfTheHost()
    {
        MapGuest(Here, 0x5000);
        BackTables();
        using CoreMmu mmu = Make(16);
        TranslationResult fault = mmu.Translate(AccessKind.Load, Here, user: true, time: 0);
        Assert.Equal(TranslationOutcome.HostFault, fault.Outcome);
        Assert.Equal(5UL, fault.Frame);
        Assert.True(_host.Map(new VirtAddr(0x5000), new PhysAddr(0x7000), PageSize.Size4K, PageFlags.Read));
        Assert.Equal(TranslationOutcome.Walked, mmu.Translate(AccessKind.Load, Here, user: true, time: 0).Outcome);
        Assert.Equal(TranslationOutcome.HostFault, mmu.Translate(AccessKind.Store, Here, user: true, time: 0).Outcome);
        Assert.Equal(TranslationOutcome.NotPresentFault, mmu.Translate(AccessKind.Load, Here + 0x1000, user: true, time: 0).Outcome);
        _host.Set(new VirtAddr(0x5000), new PhysAddr(0x7000), HostData);
        mmu.InvalidateNested();
        Assert.Equal(TranslationOutcome.Walked, mmu.Translate(AccessKind.Store, Here, user: true, time: 0).Outcome);
        Assert.True(mmu.TryHit(AccessKind.Store, Here));
    }

    [Fact]
    public void Translate_AtRandom_AgreesWithADictionary()
    {
        Random random = new(5);
        Dictionary<ulong, ulong> model = [];
        for (ulong i = 0; i < 600; i++)
        {
            ulong page = Here + ((ulong)random.Next(4) << 30) + ((ulong)random.Next(1 << 12) << 12);
            if (!model.ContainsKey(page))
            {
                MapGuest(page, 0x10_0000 + (i << 12));
                model[page] = Back(0x10_0000 + (i << 12));
            }
        }

        BackTables();
        ulong[] pages = [.. model.Keys];
        using CoreMmu mmu = Make(16);
        for (int i = 0; i < 20_000; i++)
        {
            ulong page = pages[random.Next(pages.Length)];
            TranslationResult result = mmu.Translate(
                (AccessKind)(1 + random.Next(2)), page + (ulong)random.Next(4096), user: true, time: 0);
            Assert.True(result.Outcome is TranslationOutcome.L1Hit or TranslationOutcome.StlbHit or TranslationOutcome.Walked);
            Assert.InRange(result.References, 0, 24);
            Assert.Equal(model[page] >> 12, result.Frame);
        }
    }

    private readonly struct NoVisitor : IUnmapVisitor
    {
        public void OnUnmapped(VirtAddr address, in EntryInfo entry)
        {
        }
    }

    private CoreMmu Make(int nestedEntries)
    {
        CoreMmu mmu = new(new MmuSpec { NestedEntries = nestedEntries }, 1);
        mmu.LoadNested(new Asid(1), _guest, new Asid(2), _host);
        return mmu;
    }

    private void MapGuest(ulong address, ulong guestPhysical) =>
        Assert.True(_guest.Map(new VirtAddr(address), new PhysAddr(guestPhysical), PageSize.Size4K, UserData));

    /// <summary>Gives a guest-physical page a frame of the host.</summary>
    private ulong Back(ulong guestPhysical)
    {
        ulong frame = _nextHostFrame;
        _nextHostFrame += 0x3000;
        Assert.True(_host.Map(new VirtAddr(guestPhysical), new PhysAddr(frame), PageSize.Size4K, HostData));
        return frame;
    }

    private void BackTables()
    {
        for (int page = 0; page < _guest.TablePageLimit; page++)
        {
            Back(_guest.TableAddress(page).Value);
        }
    }
}
