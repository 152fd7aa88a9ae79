using VmSim.Core.Addresses;
using VmSim.Core.Memory;
using VmSim.Core.Paging;
using VmSim.Core.Programs;

namespace VmSim.Testing.Models;

/// <content>What must hold in every state.</content>
internal sealed partial class ModelWorld
{
    /// <summary>Every rule that must hold between areas, tables, frames, objects and counts.</summary>
    public void CheckInvariants()
    {
        _references.Clear();
        foreach (ModelProcess process in Processes)
        {
            CheckSpace(process);
        }

        foreach ((VirtualMemory _, ReleaseBatch batch) in _pending)
        {
            foreach (FrameRun run in batch.Frames)
            {
                _references.Add(run.First, run.Count);
            }
        }

        foreach (PhysAddr frame in Objects().SelectMany(source => source.Frames))
        {
            _references.Add(frame, 1);
        }

        _references.Check();
    }

    private static void CheckRights(ModelPage model, in EntryInfo leaf) =>
        Assert.True(
            (leaf.Flags & PageFlags.Write) == 0 || (model.Rights & Protection.Write) != 0, "a page is writable in an area that is not");

    private void CheckSpace(ModelProcess process)
    {
        ResidentPages counted = default;
        foreach (MappedLeaf mapped in process.Memory.Table.Leaves(Window.Start, Window.Size))
        {
            (VirtAddr address, EntryInfo leaf) = mapped;
            long pages = (long)leaf.Size.BasePages();
            if (!process.Pages.TryGetValue(address.PageNumber, out ModelPage? model))
            {
                Assert.Fail($"{address} is mapped outside every area");
            }

            Assert.True(
                leaf.Size == PageSize.Size4K || process.Memory.Areas.Any(area =>
                    area.Range.Contains(address) && area.Range.Contains(address + (leaf.Size.Bytes() - 1))),
                $"the large page at {address} reaches over its area");
            if (model.Outside is { } outside)
            {
                Assert.Equal(outside, leaf.Frame);
                counted = counted with { Device = counted.Device + pages };
                CheckRights(model, leaf);
                continue;
            }

            counted = Pool.IsZero(leaf.Frame) ? counted with { Zero = counted.Zero + pages } : counted.Plus(Pool.KindOf(leaf.Frame), pages);
            bool writable = (leaf.Flags & PageFlags.Write) != 0;
            CheckRights(model, leaf);
            if (!Pool.IsZero(leaf.Frame))
            {
                Assert.True(!writable || model.Shared || Pool.IsExclusive(leaf.Frame), "a writable private page is not exclusive");
                _references.Add(leaf.Frame, leaf.Size.BasePages());
            }
        }

        Assert.Equal(counted, process.Memory.Resident);
        Assert.All(
            process.Pages.Where(page => page.Value.Guarded),
            page => Assert.False(process.Memory.Table.Query(VirtAddr.OfPage(page.Key)).Mapped, "a guard page is mapped"));
        using IEnumerator<ulong> pagesOfModel = process.Pages.Keys.GetEnumerator();
        foreach (AreaInfo area in process.Memory.Areas)
        {
            for (ulong page = area.Range.Start.PageNumber; page <= area.Range.Last.PageNumber; page++)
            {
                Assert.True(pagesOfModel.MoveNext() && pagesOfModel.Current == page, "areas and model differ");
            }
        }

        Assert.False(pagesOfModel.MoveNext(), "the model has pages that no area has");
    }
}
