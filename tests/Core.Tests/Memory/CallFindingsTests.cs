using VmSim.Core.Memory;
using VmSim.Core.Paging;
using VmSim.Core.Programs;

namespace VmSim.Core.Tests.Memory;

/// <summary>What a person is told of calls that do not answer as they did where the program was recorded.</summary>
public sealed class CallFindingsTests
{
    private readonly CallFindings _findings = new();

    [Fact]
    public void Note_MoreMappingsThanTheLimit_TellsOfEachWithLimitAndFirstPlaces()
    {
        // vm.max_map_count is 65,530 by default (Documentation/admin-guide/sysctl/vm.rst); 470 of 66,000 mappings are too many.
        TestSpace space = new();
        for (ulong index = 0; index < 66_000; index++)
        {
            Apply(space, Map(2 * index));
        }

        Assert.Equal(470, _findings.Count);
        string line = Assert.Single(Lines(space));
        Assert.StartsWith(
            "470 mmap calls failed with ENOMEM and succeeded where the program was recorded: the limit of 65,530 areas is reached "
                + $"(memory.map-count-limit); first mmap({TestSpace.At(131_060)}, 1 page), ",
            line,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Note_AnAddressBeyondTheTable_NamesWiderFormats()
    {
        TestSpace space = new();
        Apply(space, Map(0) with { Start = TestSpace.At(0) + (1UL << 50) });
        string line = Assert.Single(Lines(space));
        Assert.Contains("the page table x86-64 cannot hold the address; wider ones are ", line, StringComparison.Ordinal);
        Assert.Contains("x86-64-la57", line, StringComparison.Ordinal);
    }

    [Fact]
    public void Note_AnotherAnswerThanRecorded_SaysBoth()
    {
        TestSpace space = new();
        Apply(space, Map(0));
        SystemCall advise = new()
        {
            Kind = SystemCallKind.Advise,
            Start = TestSpace.At(0),
            Length = 4096,
            Advice = Advice.DontNeed,
            Recorded = Errno.NoMemory,
        };
        Apply(space, advise);
        Apply(space, advise with { Length = 3 << 12 });
        string line = Assert.Single(Lines(space));
        Assert.StartsWith(
            "1 madvise call succeeded and failed with ENOMEM where the program was recorded; first madvise(",
            line,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Note_ACallDoneInPart_SaysSo()
    {
        TestSpace space = new();
        Apply(space, Map(0));
        Apply(space, new()
        {
            Kind = SystemCallKind.Protect,
            Start = TestSpace.At(0),
            Length = 3 << 12,
            Protection = Protection.Read,
            Recorded = Errno.None,
        });
        string line = Assert.Single(Lines(space));
        Assert.StartsWith(
            "1 mprotect call did a part and answered ENOMEM and succeeded where the program was recorded; first mprotect(",
            line,
            StringComparison.Ordinal);
    }

    private static SystemCall Map(ulong page) => new()
    {
        Kind = SystemCallKind.Map,
        Start = TestSpace.At(page),
        Length = 4096,
        Protection = TestSpace.ReadWrite,
        Recorded = Errno.None,
    };

    private void Apply(TestSpace space, SystemCall call) => _findings.Note(call, space.Memory.Apply(call));

    private IEnumerable<string> Lines(TestSpace space) => _findings.Describe(space.Memory.Options, PageTableFormats.X64);
}
