using VmSim.Core.Addresses;
using VmSim.Core.Paging;
using VmSim.Core.Programs;
using VmSim.Core.Workloads;
using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Core.Tests.Workloads;

/// <summary>Programs at addresses that are drawn.</summary>
public sealed class MovedProgramTests
{
    private static readonly PageTableFormat[] Formats =
    [
        PageTableFormats.X64, PageTableFormats.X64FiveLevel, PageTableFormats.AArch64, PageTableFormats.RiscVSv48,
        PageTableFormats.LoongArch64,
    ];

    public static TheoryData<string> Kinds => [.. ProgramKinds.All.Select(kind => kind.Name)];

    /// <summary>Every address of a call or an operation moves by one distance, which the seed and the copy decide.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void Drawn_AnyProgram_MovesAllAddressesAlike(string kind)
    {
        ProgramImage image = ProgramKinds.All.Find(kind)!.CreateDefaults().Build(new ProgramContext("p", 0, 1, 4));
        foreach (PageTableFormat format in Formats)
        {
            LayoutEntropy entropy = LayoutEntropy.Of(format);
            HashSet<ulong> distances = [];
            for (ulong seed = 1; seed <= 8; seed++)
            {
                HashSet<ulong> found = [];
                Compare(image, MovedProgram.Drawn(image, seed, 0, entropy), entropy, found);
                distances.Add(Assert.Single(found));
            }

            Assert.All(distances, distance => Assert.InRange(0 - distance, 0UL, (1UL << (entropy.MappingBits + 12)) - 1));

            // LoongArch's 12 bits of pages are eight places 2 MiB apart.
            Assert.InRange(distances.Count, format == PageTableFormats.LoongArch64 ? 2 : 5, 8);
        }
    }

    /// <summary>User space ends at 256 GiB with Sv39: all addresses lie below, and nothing else changes.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void Fitted_SmallUserSpace_HasAllAddressesInIt(string kind)
    {
        ProgramImage image = ProgramKinds.All.Find(kind)!.CreateDefaults().Build(new ProgramContext("p", 0, 1, 4));
        Assert.Same(image, MovedProgram.Fitted(image, PageTableFormats.X64));
        ProgramImage small = MovedProgram.Fitted(image, PageTableFormats.RiscVSv39);
        ulong distance = Regions.Base - (1UL << 37);
        foreach ((SystemCall before, SystemCall after) in CallsOf(image).Zip(CallsOf(small)).Where(pair => pair.First.Length > 0))
        {
            Assert.InRange(after.Start.Value + after.Length, 0UL, 1UL << 38);
            Assert.Equal(before.Start.Value >= Regions.Base ? before.Start.Value - distance : before.Start.Value, after.Start.Value);
        }

        Assert.Equal(CallsOf(image).Count(), CallsOf(small).Count());
        static IEnumerable<SystemCall> CallsOf(ProgramImage image) =>
            image.InitialMappings.Concat(image.Threads.SelectMany(thread => thread.SystemCalls)).Concat(image.Children.SelectMany(CallsOf));
    }

    [Fact]
    public void Fitted_MoreMemoryThanThereIs_IsRefused() => Assert.Throws<ArgumentException>(
        () => MovedProgram.Fitted(Image(Mapping(1UL << 26), []), PageTableFormats.RiscVSv39));

    [Fact]
    public void Drawn_SameSeedAndCopy_IsTheSamePlace()
    {
        Assert.Equal(PlaceOf(1, 0), PlaceOf(1, 0));
        Assert.NotEqual(PlaceOf(1, 0), PlaceOf(2, 0));
        Assert.NotEqual(PlaceOf(1, 0), PlaceOf(1, 1));

        static ulong PlaceOf(ulong seed, int copy) => Drawn(Mapping(4), seed, copy).InitialMappings[0].Start.Value;
    }

    /// <summary>Pages, not 2 MiB, are what a small area is moved by; a large one keeps its 2 MiB, one of huge pages those.</summary>
    [Theory]
    [InlineData(4UL, MappingFlags.None, 0, 1UL << 12)]
    [InlineData(512UL, MappingFlags.None, 0, 1UL << 21)]
    [InlineData(512UL, MappingFlags.HugePages, 0, 1UL << 21)]
    [InlineData(1UL << 18, MappingFlags.HugePages, 30, 1UL << 30)]
    public void Drawn_Area_KeepsItsAlignment(ulong pages, MappingFlags flags, int shift, ulong alignment)
    {
        SystemCall call = Mapping(pages) with { MappingFlags = flags, HugePageShift = shift };
        ulong[] places = [.. Enumerable.Range(1, 50).Select(seed => Drawn(call, (ulong)seed, 0).InitialMappings[0].Start.Value)];
        Assert.All(places, place => Assert.Equal(0UL, place % alignment));
        Assert.Contains(places, place => place % (alignment * 2) != 0);
    }

    /// <summary>Memory whose physical address follows from the virtual one has the same physical one wherever it lies.</summary>
    [Fact]
    public void Drawn_LinearMapping_HasTheSameFrames()
    {
        SystemCall call = Mapping(4) with { Source = MappingSource.Linear, Offset = unchecked(0x1000 - Regions.Base) };
        for (ulong seed = 1; seed <= 8; seed++)
        {
            SystemCall moved = Drawn(call, seed, 0).InitialMappings[0];
            Assert.Equal(0x1000UL, moved.Start.Value + moved.Offset);
        }
    }

    /// <summary>Accesses that no call has mapped meet no other page, and what cannot move does not.</summary>
    [Fact]
    public void Drawn_AccessesOutsideOfAllCalls_StayApart()
    {
        ulong end = LayoutEntropy.Of(PageTableFormats.X64).UserBytes;
        ulong[] addresses = [0, 0xF000, 0x1_0000, 0x40_0000, Regions.Base, end - 0x1000, end, 0xFFFF_8000_0000_0000];
        ulong[] words = [.. addresses.Select(address => Operation.Access(AccessKind.Load, address))];
        ProgramImage image = Image(Mapping(1), words);
        for (ulong seed = 1; seed <= 50; seed++)
        {
            ulong[] moved = new ulong[words.Length];
            MovedProgram.Drawn(image, seed, 0, LayoutEntropy.Of(PageTableFormats.X64)).Threads[0].Open().Read(moved);
            ulong[] places = [.. moved.Select(word => new Operation(word).PageAddress)];
            Assert.Equal(places.Length, places.Distinct().Count());
            Assert.Equal((addresses[0], addresses[1], addresses[6], addresses[7]), (places[0], places[1], places[6], places[7]));
            Assert.All(places[2..6], place => Assert.InRange(place, LayoutEntropy.LowestMovable, end - 0x1000));
        }
    }

    [Fact]
    public void Drawn_ProgramThatMapsNothing_IsTheProgramItself()
    {
        ProgramImage image = Image(Mapping(1), []) with { InitialMappings = [] };
        Assert.Same(image, MovedProgram.Drawn(image, 1, 0, LayoutEntropy.Of(PageTableFormats.X64)));
    }

    private static void Compare(ProgramImage before, ProgramImage after, LayoutEntropy entropy, HashSet<ulong> distances)
    {
        foreach ((SystemCall call, SystemCall moved) in CallsOf(before).Zip(CallsOf(after)))
        {
            Note(call.Start.Value, moved.Start.Value);
            Assert.Equal(call.Length, moved.Length);
        }

        foreach ((ThreadProgram thread, ThreadProgram moved) in before.Threads.Zip(after.Threads))
        {
            ulong[] words = new ulong[4096];
            ulong[] others = new ulong[4096];
            int count = thread.Open().Read(words);
            Assert.Equal(count, moved.Open().Read(others));
            for (int i = 0; i < count; i++)
            {
                (Operation one, Operation other) = (new(words[i]), new(others[i]));
                Assert.Equal(one.Word & 0xFF, other.Word & 0xFF);
                if (!one.IsControl)
                {
                    Assert.Equal(one.Count, other.Count);
                    Note(one.PageAddress, other.PageAddress);
                }
                else if (one.Control is ControlKind.KernelLoad or ControlKind.KernelStore)
                {
                    Note(one.Argument << PageSizes.BaseShift, other.Argument << PageSizes.BaseShift);
                }
                else
                {
                    Assert.Equal(one, other);
                }
            }
        }

        foreach ((ProgramImage child, ProgramImage moved) in before.Children.Zip(after.Children))
        {
            Compare(child, moved, entropy, distances);
        }

        void Note(ulong place, ulong moved)
        {
            if (entropy.MayMove(place))
            {
                distances.Add(moved - place);
                Assert.True(entropy.MayMove(moved));
            }
            else
            {
                Assert.Equal(place, moved);
            }
        }
    }

    private static IEnumerable<SystemCall> CallsOf(ProgramImage image) =>
        image.InitialMappings.Concat(image.Threads.SelectMany(thread => thread.SystemCalls));

    private static SystemCall Mapping(ulong pages) => new()
    {
        Kind = SystemCallKind.Map,
        Start = new VirtAddr(Regions.Base),
        Length = pages << 12,
        Protection = Protection.Read | Protection.Write,
    };

    private static ProgramImage Drawn(SystemCall call, ulong seed, int copy) =>
        MovedProgram.Drawn(Image(call, []), seed, copy, LayoutEntropy.Of(PageTableFormats.X64));

    private static ProgramImage Image(SystemCall call, ulong[] words) => new()
    {
        Name = "p",
        InitialMappings = [call],
        Threads = [new ThreadProgram { Name = "t", Open = () => new ArrayStream(words), SystemCalls = [] }],
    };
}
