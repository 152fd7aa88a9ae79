using VmSim.Core.Addresses;
using VmSim.Core.Paging;
using VmSim.Core.Programs;
using VmSim.Core.Statistics;
using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Core.Workloads;

/// <summary>A program at other addresses: those of calls move at once, those of operations while they are read.</summary>
public static class MovedProgram
{
    /// <summary>Keeps the draws apart from those that others make from the same seed.</summary>
    private const ulong Salt = 0x6E6F6973652D3034;

    /// <summary>What a call for all of user space names, as exec makes one: the 47 bits of x86-64 less a page.</summary>
    private const ulong WholeSpace = 0x7FFF_FFFF_F000;

    /// <summary>Whether a call is about all of user space, as at an exec; it stays as it is.</summary>
    public static bool IsWholeSpace(SystemCall call)
    {
        ArgumentNullException.ThrowIfNull(call);
        return call.Start.Value == 0 && call.Length == WholeSpace;
    }

    /// <summary>The program and its children at new addresses.</summary>
    /// <typeparam name="TMove">By how much they move.</typeparam>
    public static ProgramImage By<TMove>(ProgramImage image, TMove move)
        where TMove : struct, IAddressMove
    {
        ArgumentNullException.ThrowIfNull(image);
        return image with
        {
            InitialMappings = [.. image.InitialMappings.Select(call => Moved(call, move))],
            InitialBreak = image.InitialBreak.Value == 0 ? image.InitialBreak : MovedBreak(image.InitialBreak, move),
            Threads =
            [
                .. image.Threads.Select(thread => thread with
                {
                    Open = () => new Stream<TMove>(thread.Open(), move),
                    SystemCalls = [.. thread.SystemCalls.Select(call => Moved(call, move))],
                }),
            ],
            Children = [.. image.Children.Select(child => By(child, move))],
        };
    }

    /// <summary>
    /// A synthetic program in the upper half of a user space that ends below where such programs have their memory, as with Sv39: Linux
    /// places mappings from its top down. In a larger one it stays as it is.
    /// </summary>
    /// <param name="image">The program.</param>
    /// <param name="format">The page-table format that says where user space ends.</param>
    /// <exception cref="ArgumentException">It has more memory than that.</exception>
    public static ProgramImage Fitted(ProgramImage image, PageTableFormat format)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(format);
        ulong userBytes = 1UL << format.RangeBits;
        if (userBytes > Regions.Base)
        {
            return image;
        }

        ulong distance = Regions.Base - (userBytes / 2);
        foreach (SystemCall call in CallsOf(image).Where(call => call.Start.Value >= userBytes && !IsWholeSpace(call)))
        {
            ulong end = Math.Max(call.Start.Value + call.Length, call.NewStart.Value + call.NewLength);
            if (call.Start.Value < Regions.Base || end - distance >= userBytes)
            {
                throw new ArgumentException(
                    $"{image.Name} has memory up to {new VirtAddr(end)}, and the page table {format.Name} translates {format.RangeBits} "
                    + "bits of user addresses; take fewer threads or pages", nameof(image));
            }
        }

        return By(image, new Down(userBytes, distance));
    }

    /// <summary>
    /// The program as a whole somewhere else, as if the base of its mappings had been drawn anew: what a synthetic program maps keeps its
    /// distances. What is aligned to more than a page (<see cref="LayoutNeeds"/>) stays so.
    /// </summary>
    /// <param name="image">The program.</param>
    /// <param name="seed">What is drawn depends on it and on the copy.</param>
    /// <param name="copy">The copy's number among all processes of the run.</param>
    /// <param name="entropy">How far it may move.</param>
    public static ProgramImage Drawn(ProgramImage image, ulong seed, int copy, LayoutEntropy entropy)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(entropy);
        (ulong lowest, ulong highest) = (entropy.UserBytes, 0UL);
        SystemCall[] calls = [.. CallsOf(image)];
        foreach (SystemCall call in calls.Where(call => !IsWholeSpace(call)))
        {
            Cover(call.Start.Value, call.Length);
            Cover(call.NewStart.Value, call.NewLength);
            foreach (AddrRange<VirtAddr> range in call.MoreRanges)
            {
                Cover(range.Start.Value, range.Size);
            }
        }

        ulong step = LayoutNeeds.Of(calls, entropy.FileAlignment)
            .Where(need => entropy.MayMove(need.Address))
            .Aggregate(PageSizes.BaseBytes, (most, need) => Math.Max(most, need.Bytes));
        ulong span = 1UL << (entropy.MappingBits + PageSizes.BaseShift);
        (ulong below, ulong above) = (lowest - LayoutEntropy.LowestMovable, entropy.UserBytes - highest);
        if (highest <= lowest)
        {
            return image;
        }

        // Downwards like the base of Linux's mappings, or to where there is more room.
        bool isDown = below >= span || below >= above;
        ulong steps = Math.Max(1, Math.Min(span, isDown ? below : above) / step);
        ulong distance = new SeededRandom(SeededRandom.Derive(SeededRandom.Mix(seed ^ Salt), copy, 0)).Below(steps) * step;
        return By(image, new Rotation(isDown ? 0 - distance : distance, entropy.UserBytes));

        void Cover(ulong start, ulong length)
        {
            if (entropy.MayMove(start))
            {
                lowest = Math.Min(lowest, start);
                highest = Math.Max(highest, start + Math.Min(Math.Max(length, PageSizes.BaseBytes), entropy.UserBytes - start));
            }
        }
    }

    private static IEnumerable<SystemCall> CallsOf(ProgramImage image) =>
        image.InitialMappings.Concat(image.Threads.SelectMany(thread => thread.SystemCalls))
            .Concat(image.Children.SelectMany(CallsOf));

    private static SystemCall Moved<TMove>(SystemCall call, TMove move)
        where TMove : struct, IAddressMove
    {
        if (call.Kind == SystemCallKind.SetBreak)
        {
            return call with { Start = MovedBreak(call.Start, move) };
        }

        ulong by = move.Of(call.Start.Value);
        return IsWholeSpace(call)
            ? call
            : call with
            {
                Start = new VirtAddr(call.Start.Value + by),
                NewStart = call.NewLength > 0 ? new VirtAddr(call.NewStart.Value + move.Of(call.NewStart.Value)) : call.NewStart,
                MoreRanges = call.MoreRanges.Count == 0 ? call.MoreRanges : [.. call.MoreRanges.Select(range => AddrRange.Of(
                    new VirtAddr(range.Start.Value + move.Of(range.Start.Value)), range.Size))],
                //// It is the physical addresses that say what is shared.
                Offset = call.Source == MappingSource.Linear ? call.Offset - by : call.Offset,
            };
    }

    private static VirtAddr MovedBreak<TMove>(VirtAddr address, TMove move)
        where TMove : struct, IAddressMove => new(address.Value + move.OfBreak(address));

    /// <summary>
    /// All addresses that may move by one distance, around the ends of user space: so no two pages meet, whatever a program touches that it
    /// has not mapped.
    /// </summary>
    private readonly struct Rotation(ulong distance, ulong userBytes) : IAddressMove
    {
        public ulong Of(ulong address)
        {
            if (address < LayoutEntropy.LowestMovable || address >= userBytes)
            {
                return 0;
            }

            ulong moved = address + distance;
            bool isInside = moved >= LayoutEntropy.LowestMovable && moved < userBytes;
            ulong around = userBytes - LayoutEntropy.LowestMovable;
            return isInside ? distance : (long)distance < 0 ? distance + around : distance - around;
        }

        public ulong OfBreak(VirtAddr address) => Of(address.Value);
    }

    /// <summary>All addresses from one on by one distance downwards.</summary>
    private readonly struct Down(ulong from, ulong distance) : IAddressMove
    {
        public ulong Of(ulong address) => address >= from ? 0 - distance : 0;

        public ulong OfBreak(VirtAddr address) => Of(address.Value);
    }

    private sealed class Stream<TMove>(IOperationStream operations, TMove move) : ISkippingStream
        where TMove : struct, IAddressMove
    {
        private readonly ISkippingStream? _skipping = operations as ISkippingStream;
        private SkippedPages? _pages;

        public SkippedPages Pages => _pages ??= _skipping is { } skipping ? Moved(skipping.Pages) : SkippedPages.None;

        public long Skippable => _skipping?.Skippable ?? 0;

        public long Skip(long accesses, out long count)
        {
            count = 0;
            return _skipping?.Skip(accesses, out count) ?? 0;
        }

        private SkippedPages Moved(SkippedPages pages)
        {
            ulong by = move.Of(pages.Start.Value);
            bool isOne = pages.Count > 0 && by == move.Of(pages.End.Value - PageSizes.BaseBytes);
            return pages with
            {
                AddressOf = number => pages.AddressOf(number) + move.Of(pages.AddressOf(number)),
                Start = isOne ? new VirtAddr(pages.Start.Value + by) : default,
                End = isOne ? new VirtAddr(pages.End.Value + by) : new VirtAddr(ulong.MaxValue),
            };
        }

        public int Read(Span<ulong> destination)
        {
            int count = operations.Read(destination);
            foreach (ref ulong word in destination[..count])
            {
                Operation operation = new(word);
                if (!operation.IsControl)
                {
                    word += move.Of(operation.PageAddress);
                }
                else if (operation.Control is ControlKind.KernelLoad or ControlKind.KernelStore)
                {
                    ulong address = operation.Argument << PageSizes.BaseShift;
                    word = Operation.ControlWord(operation.Control, (address + move.Of(address)) >> PageSizes.BaseShift);
                }
            }

            return count;
        }
    }
}
